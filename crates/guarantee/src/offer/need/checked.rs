//! Values of a need that are refused where they make no sense.

use serde::{Deserialize, Serialize};

use super::{Event, RegionShare};
use crate::ratio::Percent;

/// Most regions of a need: more than any network has cities.
const MAX_REGIONS: usize = 64;
/// Most events: five a month over the longest term would be 600; the costs of
/// each are computed for each minute of a month, so the list stays short.
const MAX_EVENTS: usize = 64;
/// Longest term: ten years.
pub const MAX_TERM_MONTHS: u32 = 120;

/// Regions whose shares sum to 100 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<RegionShare>", into = "Vec<RegionShare>")]
pub struct Regions(Vec<RegionShare>);

impl Regions {
    /// As they were written.
    #[must_use]
    pub fn list(&self) -> &[RegionShare] {
        &self.0
    }
}

impl TryFrom<Vec<RegionShare>> for Regions {
    type Error = String;

    fn try_from(list: Vec<RegionShare>) -> Result<Self, String> {
        if list.is_empty() || list.len() > MAX_REGIONS {
            return Err(format!(
                "{} regions are named: name 1 to {MAX_REGIONS}",
                list.len()
            ));
        }
        for (i, entry) in list.iter().enumerate() {
            if list[..i].iter().any(|other| other.region == entry.region) {
                return Err(format!("region `{}` is named twice", entry.region));
            }
        }
        whole("the regions' shares", list.iter().map(|r| r.share))?;
        Ok(Self(list))
    }
}

impl From<Regions> for Vec<RegionShare> {
    fn from(regions: Regions) -> Self {
        regions.0
    }
}

/// Refuses shares that do not sum to 100 %.
pub(crate) fn whole(what: &str, shares: impl Iterator<Item = Percent>) -> Result<(), String> {
    // Lists are at most 64 long here: far from the end of 64 bits.
    let sum: u64 = shares.map(Percent::units).sum();
    if sum == Percent::WHOLE {
        return Ok(());
    }
    let text = format!("{}.{:06}", sum / 1_000_000, sum % 1_000_000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    Err(format!("{what} sum to {text}%: they must sum to 100%"))
}

/// Hours of a day, 0 to 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Hours(u8);

impl Hours {
    /// No hour of the day.
    pub const NONE: Self = Self(0);

    /// The number.
    #[must_use]
    pub const fn count(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Hours {
    type Error = String;

    fn try_from(hours: u8) -> Result<Self, String> {
        if hours > 24 {
            return Err(format!("{hours} hours do not fit a day: write 0 to 24"));
        }
        Ok(Self(hours))
    }
}

impl From<Hours> for u8 {
    fn from(hours: Hours) -> Self {
        hours.0
    }
}

/// Minutes of an event, 1 to 1,440.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct EventMinutes(u32);

impl EventMinutes {
    /// The number.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for EventMinutes {
    type Error = String;

    fn try_from(minutes: u32) -> Result<Self, String> {
        if minutes == 0 || minutes > 1440 {
            return Err(format!(
                "an event of {minutes} minutes: write 1 to 1440, one event per day"
            ));
        }
        Ok(Self(minutes))
    }
}

impl From<EventMinutes> for u32 {
    fn from(minutes: EventMinutes) -> Self {
        minutes.0
    }
}

/// At most 64 events.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Event>", into = "Vec<Event>")]
pub struct Events(Vec<Event>);

impl Events {
    /// As they were written.
    #[must_use]
    pub fn list(&self) -> &[Event] {
        &self.0
    }
}

impl TryFrom<Vec<Event>> for Events {
    type Error = String;

    fn try_from(list: Vec<Event>) -> Result<Self, String> {
        if list.len() > MAX_EVENTS {
            return Err(format!(
                "{} events are named, at most {MAX_EVENTS} are computed: keep the largest",
                list.len()
            ));
        }
        Ok(Self(list))
    }
}

impl From<Events> for Vec<Event> {
    fn from(events: Events) -> Self {
        events.0
    }
}

/// Months of a term, 1 to 120.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Months(u32);

impl Months {
    /// The number.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Months {
    type Error = String;

    fn try_from(months: u32) -> Result<Self, String> {
        if months == 0 || months > MAX_TERM_MONTHS {
            return Err(format!(
                "a term of {months} months: write 1 to {MAX_TERM_MONTHS}"
            ));
        }
        Ok(Self(months))
    }
}

impl From<Months> for u32 {
    fn from(months: Months) -> Self {
        months.0
    }
}

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(String);

impl Currency {
    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Currency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
            let shown: String = text.chars().take(20).collect();
            return Err(format!(
                "`{shown}` is not a currency: write a code like USD"
            ));
        }
        Ok(Self(text))
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}
