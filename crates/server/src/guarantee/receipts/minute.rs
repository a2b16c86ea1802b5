//! The receipts of one minute.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use surecast_guarantee::evidence::{Kind, Leaf, VerifyingKey};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::report::receipt::{self, By, Logged, MAX_HASHES, Statement};
use surecast_guarantee::rollup::experience::{Experience, Experienced, Indicator};
use surecast_guarantee::rollup::{Counts, MAX_MS, Minute, Rollup, Source};

use super::Closed;
use crate::guarantee::run;

/// Sums and hashes.
#[derive(Default)]
pub(super) struct Open {
    experienced: Experienced,
    media: Counts,
    hashes: Vec<[u8; 32]>,
}

/// What all leaves of a minute say.
pub(super) struct About<'a> {
    pub(super) minute: Minute,
    pub(super) region: &'a Region,
    pub(super) source: &'a Source,
    pub(super) key: &'a VerifyingKey,
    pub(super) connected: u64,
}

impl Open {
    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn add(&mut self, hash: [u8; 32], statement: &Statement) {
        let counts = statement.experienced();
        for indicator in Indicator::ALL {
            let share = counts.share(indicator);
            self.experienced.add(indicator, share.num, share.den);
        }
        let (up, down) = statement.session_ms();
        self.media.up_ms += up;
        self.media.down_ms += down;
        self.hashes.push(hash);
    }

    pub(super) fn close(mut self, about: &About<'_>, now: Timestamp) -> Closed {
        self.hashes.sort_unstable();
        let receipts = self.hashes.chunks(MAX_HASHES).filter_map(|hashes| {
            let logged = Logged {
                by: By::Clients,
                minute: about.minute,
                region: about.region.clone(),
                connected: about.connected,
                root: receipt::root(hashes).to_string(),
                hashes: hashes.iter().map(|hash| STANDARD.encode(hash)).collect(),
                key: about.key.to_string(),
            };
            Leaf::json(Kind::Receipt, now, &logged).ok()
        });
        let mut leaves: Vec<Leaf> = receipts.collect();
        let experience = Experience {
            minute: about.minute,
            region: about.region.clone(),
            source: about.source.clone(),
            counts: bounded(self.experienced),
        };
        leaves.extend(Leaf::text(Kind::Rollup, now, &experience.to_string()).ok());
        let rollups: Vec<Rollup> = [(Module::Join, self.joins()), (Module::Media, self.media)]
            .into_iter()
            .filter(|(_, counts)| !counts.is_empty())
            .filter_map(|(module, counts)| {
                let (region, source) = (about.region.clone(), about.source.clone());
                Rollup::new(about.minute, module, region, source, counts).ok()
            })
            .collect();
        leaves.extend(rollups.iter().filter_map(|rollup| run::leaf(rollup, now)));
        Closed {
            minute: about.minute,
            leaves,
            rollups,
        }
    }

    const fn joins(&self) -> Counts {
        let share = self.experienced.share(Indicator::Join);
        Counts {
            up_ms: 0,
            down_ms: 0,
            good: share.num,
            bad: share.den - share.num,
        }
    }
}

/// Time of streams beyond what a line can say is cut, the good of it first.
fn bounded(mut counts: Experienced) -> Experienced {
    for indicator in [Indicator::Audio, Indicator::Video, Indicator::Delay] {
        let i = indicator as usize;
        let bad = (counts.all[i] - counts.good[i]).min(MAX_MS);
        counts.good[i] = counts.good[i].min(MAX_MS - bad);
        counts.all[i] = counts.good[i] + bad;
    }
    counts
}
