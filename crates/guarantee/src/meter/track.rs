//! Up or down over time, when what is down is known only later.

/// Most troubles that ended and wait for an undecided one: an undecided one
/// lasts 5 s. Beyond, the two latest are taken for one, gap and all.
const MAX_ENDED: usize = 64;

/// What a trouble is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Join,
    Start(u32),
    Freeze(u32),
}

#[derive(Clone, Copy, Debug)]
struct Trouble {
    about: About,
    from: i64,
    /// It counts if it lasts until here.
    counts_at: i64,
}

/// Time of one session, in milliseconds since 1970. Everything before `settled`
/// was told.
#[derive(Clone, Debug)]
pub(super) struct Track {
    settled: i64,
    active: bool,
    troubles: Vec<Trouble>,
    ended: Vec<(i64, i64)>,
}

impl Track {
    pub const fn new(at: i64) -> Self {
        Self {
            settled: at,
            active: false,
            troubles: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Whether time counts from `at` on. Turning it off decides what is
    /// undecided: it did not last.
    pub fn set_active(&mut self, active: bool, at: i64, tell: impl FnMut(i64, i64, bool)) {
        if active == self.active {
            return;
        }
        if active {
            self.settled = self.settled.max(at);
        } else {
            self.end_all(at);
            self.settle(at, at, tell);
            self.ended.clear();
        }
        self.active = active;
    }

    pub fn begin(&mut self, about: About, from: i64, level: u32) {
        if self.troubles.iter().all(|trouble| trouble.about != about) {
            self.troubles.push(Trouble {
                about,
                from,
                counts_at: from + i64::from(level),
            });
        }
    }

    /// It counts, however short it is.
    pub fn confirm(&mut self, about: About) {
        for trouble in self.troubles.iter_mut().filter(|t| t.about == about) {
            trouble.counts_at = trouble.from;
        }
    }

    pub fn end(&mut self, about: About, at: i64) {
        let Some(i) = self.troubles.iter().position(|t| t.about == about) else {
            return;
        };
        let trouble = self.troubles.swap_remove(i);
        self.push_ended(trouble, at);
    }

    fn end_all(&mut self, at: i64) {
        for trouble in std::mem::take(&mut self.troubles) {
            self.push_ended(trouble, at);
        }
    }

    fn push_ended(&mut self, trouble: Trouble, at: i64) {
        if at >= trouble.counts_at && at > trouble.from {
            self.ended.push((trouble.from, at));
        }
        if self.ended.len() > MAX_ENDED {
            self.ended.sort_unstable();
            if let (Some(last), Some(before)) = (self.ended.pop(), self.ended.last_mut()) {
                before.1 = before.1.max(last.1);
            }
        }
    }

    /// Tells, piece by piece, what is decided of the time before `until`, given
    /// that everything is known before `known`: from, to, whether up.
    pub fn settle(&mut self, until: i64, known: i64, mut tell: impl FnMut(i64, i64, bool)) {
        let undecided = self.troubles.iter().filter(|t| t.counts_at > known);
        let until = undecided.map(|t| t.from).fold(until, i64::min);
        if until <= self.settled {
            return;
        }
        if self.active {
            let open = self.troubles.iter().filter(|t| t.counts_at <= known);
            let open = open.map(|t| (t.from, i64::MAX));
            let (mut at, end) = (self.settled, until);
            let down = open.chain(self.ended.iter().copied());
            let down = down.map(|(from, to)| (from.clamp(at, end), to.clamp(at, end)));
            for (from, to) in merged(down.collect()) {
                if at < from {
                    tell(at, from, true);
                }
                tell(from, to, false);
                at = to;
            }
            if at < end {
                tell(at, end, true);
            }
        }
        self.settled = until;
        self.ended.retain(|&(_, to)| to > until);
    }

    /// Nothing is known of the time before `to`.
    pub fn skip_to(&mut self, to: i64) {
        self.settled = self.settled.max(to);
        self.ended.clear();
    }
}

/// Sorted, disjoint, none empty.
fn merged(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.retain(|(from, to)| from < to);
    spans.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}
