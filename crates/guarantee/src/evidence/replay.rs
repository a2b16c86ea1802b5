//! What reads a log's leaves as they are verified.

use std::collections::BTreeMap;

use super::leaf::Leaf;

/// Reads verified leaves in their order, and may find that they contradict one
/// another: the evaluator, which settles again and compares.
pub trait Replay {
    /// The next leaf, as it stands in the log. What is not understood must be
    /// passed over, unless it should have been.
    ///
    /// # Errors
    /// Says what is wrong with it.
    fn handle_leaf(&mut self, index: u64, entry: &[u8]) -> Result<(), String>;

    /// There are no more. Gives what is to be said of them, one line each.
    ///
    /// # Errors
    /// Says what is missing.
    fn finish(&mut self) -> Result<Vec<String>, String>;
}

/// Kinds that are counted by name: ours are 11, and a log of other programs
/// must not fill the memory. The rest is counted together.
const MAX_KINDS: usize = 64;

/// Counts leaves by their kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// How many of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// Leaves of kinds beyond those 64.
    pub others: u64,
    /// Leaves that are not in the format of [`Leaf`].
    pub unreadable: u64,
    /// The first of them, and what is wrong with it.
    pub first_unreadable: Option<(u64, String)>,
}

impl Replay for Census {
    fn handle_leaf(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        let kind = match Leaf::parse(entry) {
            Ok(leaf) => leaf.kind().name().to_owned(),
            Err(error) => {
                self.unreadable += 1;
                self.first_unreadable
                    .get_or_insert_with(|| (index, error.to_string()));
                return Ok(());
            }
        };
        if self.kinds.len() < MAX_KINDS || self.kinds.contains_key(&kind) {
            *self.kinds.entry(kind).or_default() += 1;
        } else {
            self.others += 1;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<String>, String> {
        let mut lines: Vec<String> = self.kinds.iter().map(|(k, n)| format!("{n} {k}")).collect();
        if self.others > 0 {
            lines.push(format!("{} of other kinds", self.others));
        }
        if let Some((index, why)) = &self.first_unreadable {
            lines.push(format!(
                "{} that cannot be read, the first of them leaf {index}: {why}",
                self.unreadable
            ));
        }
        Ok(lines)
    }
}
