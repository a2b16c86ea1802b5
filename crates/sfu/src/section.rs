//! The receiving media sections of a subscriber's connection, and which track
//! uses which.
//!
//! A section serves one track after the other. In between it must be seen
//! inactive once: a client fires its track event when a section starts to
//! receive, and that is how it learns of the new stream id.

use str0m::media::Mid;
use surecast_media::control::Kind;
use surecast_media::id::TrackId;

/// One section that the client receives on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiveSection {
    pub(crate) mid: Mid,
    pub(crate) kind: Kind,
    pub(crate) state: Use,
}

/// What a section is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Agreed to be inactive (or never used): may be taken.
    Free,
    /// Carries a track.
    Taken(TrackId),
    /// Its track is gone; the next description makes it inactive.
    Leaving,
    /// The client does not receive here (it uses the section for sending, or
    /// stopped it).
    Closed,
}

/// All of them, in the order of the description.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sections(Vec<ReceiveSection>);

impl Sections {
    pub(crate) fn add(&mut self, mid: Mid, kind: Kind, state: Use) {
        self.0.push(ReceiveSection { mid, kind, state });
    }

    pub(crate) fn find(&self, mid: Mid) -> Option<&ReceiveSection> {
        self.0.iter().find(|s| s.mid == mid)
    }

    pub(crate) fn set(&mut self, mid: Mid, state: Use) {
        if let Some(s) = self.0.iter_mut().find(|s| s.mid == mid) {
            s.state = state;
        }
    }

    /// Takes a free section of the kind for the track.
    pub(crate) fn take(&mut self, kind: Kind, track: TrackId) -> Option<Mid> {
        let free = |s: &&mut ReceiveSection| s.kind == kind && s.state == Use::Free;
        let section = self.0.iter_mut().find(free)?;
        section.state = Use::Taken(track);
        Some(section.mid)
    }

    /// The track's section is to be vacated.
    pub(crate) fn vacate(&mut self, track: TrackId) {
        for s in self.0.iter_mut().filter(|s| s.state == Use::Taken(track)) {
            s.state = Use::Leaving;
        }
    }

    /// A description was agreed that shows these leaving sections inactive.
    pub(crate) fn settle(&mut self, shown: &[Mid]) {
        let left = |s: &&mut ReceiveSection| s.state == Use::Leaving && shown.contains(&s.mid);
        for s in self.0.iter_mut().filter(left) {
            s.state = Use::Free;
        }
    }

    pub(crate) fn count(&self, kind: Kind, state: Use) -> usize {
        let same = |s: &&ReceiveSection| s.kind == kind && s.state == state;
        self.0.iter().filter(same).count()
    }

    pub(crate) fn leaving(&self) -> impl Iterator<Item = Mid> {
        let leaving = self.0.iter().filter(|s| s.state == Use::Leaving);
        leaving.map(|s| s.mid)
    }

    pub(crate) fn taken(&self) -> impl Iterator<Item = (Mid, TrackId)> {
        self.0.iter().filter_map(|s| match s.state {
            Use::Taken(track) => Some((s.mid, track)),
            _ => None,
        })
    }

    /// Sections that a description never agreed on are forgotten.
    pub(crate) fn forget(&mut self, mids: &[Mid]) {
        self.0.retain(|s| !mids.contains(&s.mid));
    }
}
