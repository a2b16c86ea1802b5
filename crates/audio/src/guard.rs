//! Foreign decoders at arm's length.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;

/// A value of another crate that a peer's bytes reach. A panic in there breaks
/// it: it is never used again, so what it left half done does not matter, and
/// nothing else ends with it.
pub(crate) struct Guarded<T> {
    inner: Option<T>,
    what: &'static str,
}

impl<T> Guarded<T> {
    /// `what` names it in errors.
    pub(crate) fn new(what: &'static str, make: impl FnOnce() -> T) -> Result<Self, Error> {
        let inner = catch_unwind(AssertUnwindSafe(make)).map_err(|_| Error::Broken(what))?;
        Ok(Self {
            inner: Some(inner),
            what,
        })
    }

    /// Does something with it.
    pub(crate) fn with<R>(&mut self, f: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let Some(inner) = &mut self.inner else {
            return Err(Error::Broken(self.what));
        };
        match catch_unwind(AssertUnwindSafe(|| f(inner))) {
            Ok(result) => Ok(result),
            Err(_) => {
                tracing::error!(what = self.what, "bug: a codec panicked");
                // Not dropped: a destructor may panic as well.
                std::mem::forget(self.inner.take());
                Err(Error::Broken(self.what))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_breaks_it_for_good() {
        let mut guarded = Guarded::new("test", || 1).unwrap();
        assert_eq!(guarded.with(|n| *n + 1), Ok(2));
        let broken = guarded.with(|n| {
            if *n == 1 {
                panic!("on purpose")
            }
        });
        assert_eq!(broken, Err(Error::Broken("test")));
        assert_eq!(guarded.with(|n| *n), Err(Error::Broken("test")));
    }
}
