//! Whether the receipts in a log are what they say they are.

use serde::Deserialize;

use super::{ReportError, probe, receipt};
use crate::evidence::{Kind, Leaf, Replay};

/// Checks every `receipt` of a log by what stands in the log alone: a probe's
/// statement by its signature, the clients' by the root over their hashes. What a
/// client signed is not in the log; whoever has it compares its hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiptAudit {
    /// Statements of probes whose signature is right.
    pub probes: u64,
    /// Hashes of clients' statements.
    pub clients: u64,
    /// Minutes of regions, or parts of them, that those are about.
    pub minutes: u64,
}

/// Who a receipt is by.
#[derive(Deserialize)]
struct Peek {
    by: Option<serde_json::Value>,
}

impl ReceiptAudit {
    fn take(&mut self, leaf: &Leaf) -> Result<(), String> {
        let peek: Peek = leaf.decode().map_err(|why| why.to_string())?;
        match peek.by.as_ref().and_then(|by| by.as_str()) {
            Some("probe") => {
                let logged: probe::Logged = leaf.decode().map_err(|why| why.to_string())?;
                logged.open().map_err(|why| format!("a probe's: {why}"))?;
                self.probes += 1;
            }
            Some("clients") => {
                let logged: receipt::Logged = leaf.decode().map_err(|why| why.to_string())?;
                let told = logged.check();
                told.map_err(|why: ReportError| format!("the clients': {why}"))?;
                self.minutes += 1;
                self.clients += logged.hashes.len() as u64;
            }
            // Of other programs, or of later versions.
            _ => {}
        }
        Ok(())
    }
}

impl Replay for ReceiptAudit {
    fn handle_leaf(&mut self, _index: u64, entry: &[u8]) -> Result<(), String> {
        match Leaf::parse(entry) {
            Ok(leaf) if *leaf.kind() == Kind::Receipt && leaf.is_json() => self
                .take(&leaf)
                .map_err(|why| format!("the receipt is not what it says: {why}")),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        if self.probes > 0 {
            lines.push(format!(
                "statements of probes, each signed by the key beside it: {}",
                self.probes
            ));
        }
        if self.minutes > 0 {
            lines.push(format!(
                "hashes of what clients signed, under the roots beside them: {}, in {} minutes of \
                 regions",
                self.clients, self.minutes
            ));
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests;
