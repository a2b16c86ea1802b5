//! A child that died is started again.

use std::time::{Duration, Instant};

use super::Error;
use crate::clock;

/// The first wait: who listens notices less than a second of silence.
const FIRST: Duration = Duration::from_millis(250);

/// The longest: a child that dies at once costs nearly nothing, and an operator
/// who mended what is wrong does not wait long.
const LONGEST: Duration = Duration::from_secs(10);

/// Who lived for so long did not die of what is wrong from the start.
const SOUND: Duration = Duration::from_secs(30);

/// Deaths in a row after which it is of no use: about a minute.
const PATIENCE: u32 = 10;

/// Waits between starts.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    deaths: u32,
}

impl Backoff {
    /// A child that was started at `started` died at `now`. How long to wait;
    /// `None` to give up.
    pub(super) fn died(&mut self, started: Instant, now: Instant) -> Option<Duration> {
        if now.saturating_duration_since(started) >= SOUND {
            self.deaths = 0;
        }
        self.deaths += 1;
        if self.deaths > PATIENCE {
            return None;
        }
        Some(FIRST.saturating_mul(1 << (self.deaths - 1)).min(LONGEST))
    }
}

/// A child with what is left of it when it died.
pub(super) struct Supervised<T> {
    child: Option<T>,
    started: Instant,
    again: Instant,
    backoff: Backoff,
}

impl<T> Supervised<T> {
    /// One that was just started.
    pub(super) fn new(child: T) -> Self {
        let now = clock::now().at;
        Self {
            child: Some(child),
            started: now,
            again: now,
            backoff: Backoff::default(),
        }
    }

    /// The child, while it lives.
    pub(super) fn child(&mut self) -> Option<&mut T> {
        self.child.as_mut()
    }

    /// It died, or has to: for this reason.
    ///
    /// # Errors
    /// It died too often.
    pub(super) fn died(&mut self, words: String) -> Result<(), Error> {
        self.child = None;
        let now = clock::now().at;
        let Some(wait) = self.backoff.died(self.started, now) else {
            return Err(Error::Ended(words));
        };
        tracing::warn!(?wait, "ffmpeg ended and is started again: {words}");
        self.again = now + wait;
        Ok(())
    }

    /// Waits until another is to be started with [`put`](Self::put): for ever,
    /// while one lives.
    pub(super) fn due(&self) -> impl Future<Output = ()> + Send + use<T> {
        let again = self.child.is_none().then_some(self.again);
        async move {
            match again {
                Some(again) => tokio::time::sleep_until(again.into()).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Another one was started, or could not be.
    ///
    /// # Errors
    /// It could not be started too often.
    pub(super) fn put(&mut self, child: Result<T, Error>) -> Result<(), Error> {
        self.started = clock::now().at;
        match child {
            Ok(child) => {
                self.child = Some(child);
                Ok(())
            }
            Err(error) => self.died(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_a_long_life_makes_them_short_again() {
        let mut backoff = Backoff::default();
        let start = clock::now().at;
        let mut waits = Vec::new();
        while let Some(wait) = backoff.died(start, start) {
            waits.push(wait.as_millis());
        }
        assert_eq!(waits[..3], [250, 500, 1000]);
        assert_eq!((waits.len(), waits[9]), (10, 10_000));
        assert_eq!(backoff.died(start, start + SOUND), Some(FIRST));
    }
}
