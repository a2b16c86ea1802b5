//! AMF 3 (*Action Message Format -- AMF 3*, Adobe): reading only, since every peer
//! understands AMF 0.
//!
//! Strings and object traits that are sent again are references into tables of
//! one value; references to objects are not followed.

use super::amf::{Budget, Value};
use super::{Cursor, FlvError};

/// Strings, and traits, that one value can refer back to. Honest messages have
/// dozens.
const MAX_TABLE: usize = 1024;

/// Names of one class.
const MAX_TRAITS: u32 = 256;

/// Bytes of one value's strings, copies by reference included: a reference of one
/// byte must not become a megabyte four thousand times.
const MAX_TEXT: usize = 1 << 20;

#[derive(Clone)]
struct Traits {
    dynamic: bool,
    names: Vec<String>,
}

struct Reader<'a> {
    input: &'a mut Cursor,
    budget: &'a mut Budget,
    strings: Vec<String>,
    traits: Vec<Traits>,
    text: usize,
}

/// One value, with tables of its own.
pub(super) fn read_value(input: &mut Cursor, budget: &mut Budget) -> Result<Value, FlvError> {
    let mut reader = Reader {
        input,
        budget,
        strings: Vec::new(),
        traits: Vec::new(),
        text: MAX_TEXT,
    };
    reader.value()
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value, FlvError> {
        self.budget.value()?;
        Ok(match self.input.u8("AMF3 marker")? {
            0 | 1 => Value::Null,
            2 => Value::Bool(false),
            3 => Value::Bool(true),
            4 => {
                // 29 bits, signed.
                let raw = self.u29()?;
                Value::Number(f64::from((raw << 3).cast_signed() >> 3))
            }
            5 => Value::Number(self.input.f64("AMF3 double")?),
            6 => Value::String(self.string()?),
            7 | 11 => self.xml()?,
            8 => match self.inline()? {
                Some(_) => Value::Date(self.input.f64("AMF3 date")?),
                None => Value::Null,
            },
            9 => self.array()?,
            10 => self.object()?,
            12 => self.byte_array()?,
            _ => return Err(FlvError::Damaged("unknown AMF3 type")),
        })
    }

    /// Seven bits each in up to three bytes, eight in the fourth (§1.3.1).
    fn u29(&mut self) -> Result<u32, FlvError> {
        let mut value = 0;
        for _ in 0..3 {
            let byte = self.input.u8("AMF3 number")?;
            value = value << 7 | u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Ok(value << 8 | u32::from(self.input.u8("AMF3 number")?))
    }

    /// A length or count where the value follows; `None` where it is a reference.
    fn inline(&mut self) -> Result<Option<u32>, FlvError> {
        let head = self.u29()?;
        Ok((head & 1 == 1).then_some(head >> 1))
    }

    fn string(&mut self) -> Result<String, FlvError> {
        let head = self.u29()?;
        let text = if head & 1 == 0 {
            let at = usize::try_from(head >> 1).unwrap_or(usize::MAX);
            self.strings
                .get(at)
                .cloned()
                .ok_or(FlvError::Damaged("AMF3 string reference"))?
        } else {
            let text = self.text_of(head >> 1)?;
            if !text.is_empty() && self.strings.len() < MAX_TABLE {
                self.strings.push(text.clone());
            }
            text
        };
        self.spend(text.len())?;
        Ok(text)
    }

    fn spend(&mut self, len: usize) -> Result<(), FlvError> {
        self.text = self
            .text
            .checked_sub(len)
            .ok_or(FlvError::Bomb("text than 1 MiB"))?;
        Ok(())
    }

    fn text_of(&mut self, len: u32) -> Result<String, FlvError> {
        let bytes = self
            .input
            .take(usize::try_from(len).unwrap_or(usize::MAX), "AMF3 string")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn xml(&mut self) -> Result<Value, FlvError> {
        match self.inline()? {
            Some(len) => Ok(Value::String(self.text_of(len)?)),
            None => Ok(Value::Null),
        }
    }

    fn byte_array(&mut self) -> Result<Value, FlvError> {
        let Some(len) = self.inline()? else {
            return Ok(Value::Null);
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        Ok(Value::Bytes(self.input.take(len, "AMF3 bytes")?.to_vec()))
    }

    /// Named members, then numbered ones. With names it becomes an object, and the
    /// numbered ones are left out.
    fn array(&mut self) -> Result<Value, FlvError> {
        let Some(count) = self.inline()? else {
            return Ok(Value::Null);
        };
        self.budget.enter()?;
        let members = self.dynamic_members()?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value()?);
        }
        self.budget.leave();
        Ok(if members.is_empty() {
            Value::Array(values)
        } else {
            Value::Object(members)
        })
    }

    fn object(&mut self) -> Result<Value, FlvError> {
        let Some(head) = self.inline()? else {
            return Ok(Value::Null);
        };
        let traits = self.traits(head)?;
        self.budget.enter()?;
        let mut members = Vec::new();
        for name in traits.names {
            self.spend(name.len())?;
            members.push((name, self.value()?));
        }
        if traits.dynamic {
            members.extend(self.dynamic_members()?);
        }
        self.budget.leave();
        Ok(Value::Object(members))
    }

    fn traits(&mut self, head: u32) -> Result<Traits, FlvError> {
        if head & 1 == 0 {
            let at = usize::try_from(head >> 1).unwrap_or(usize::MAX);
            let known = self.traits.get(at).cloned();
            return known.ok_or(FlvError::Damaged("AMF3 traits reference"));
        }
        if head & 2 != 0 {
            // Its form is known to the two programs alone.
            return Err(FlvError::Damaged("AMF3 externalizable object"));
        }
        let dynamic = head & 4 != 0;
        let count = head >> 3;
        if count > MAX_TRAITS {
            return Err(FlvError::Bomb("class members than 256"));
        }
        self.string()?;
        let names = (0..count)
            .map(|_| self.string())
            .collect::<Result<Vec<_>, _>>()?;
        let traits = Traits { dynamic, names };
        if self.traits.len() < MAX_TABLE {
            self.traits.push(traits.clone());
        }
        Ok(traits)
    }

    /// Up to an empty name.
    fn dynamic_members(&mut self) -> Result<Vec<(String, Value)>, FlvError> {
        let mut members = Vec::new();
        loop {
            let name = self.string()?;
            if name.is_empty() {
                return Ok(members);
            }
            members.push((name, self.value()?));
        }
    }
}
