//! One writer, any number of readers, one buffer.
//!
//! A reader that comes begins at the last entry (a keyframe), after the
//! prologue (formats, headers) that holds there. Readers do not cost memory: the
//! buffer is the writer's. Who falls so far behind that its place is gone is
//! told so and begins again at the last entry; nobody waits for it.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What the buffer holds at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Values.
    pub items: usize,
    /// Bytes, as the writer counts them.
    pub bytes: usize,
}

impl Default for Bounds {
    /// A group of pictures of ten seconds at 20 Mbps with its sound, and as much
    /// again for readers that are slow.
    fn default() -> Self {
        Self {
            items: 8192,
            bytes: 48 << 20,
        }
    }
}

/// The writer's end. Cheap to clone; dropping it does not end the readers, see
/// [`Fanout::end`].
pub struct Fanout<T>(Arc<Inner<T>>);

struct Inner<T> {
    ring: Mutex<Ring<T>>,
    changed: Notify,
    readers: AtomicUsize,
}

struct Ring<T> {
    bounds: Bounds,
    items: VecDeque<(T, usize)>,
    /// Number of the first item held; numbers are never used twice.
    first: u64,
    bytes: usize,
    prologue: Arc<[T]>,
    /// Where to begin, and with what before it.
    entry: Option<(u64, Arc<[T]>)>,
    ended: bool,
}

/// What a reader reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// The next value.
    Item(T),
    /// Something was missed: what follows begins with the prologue.
    Lagged,
}

/// A reader's place.
pub struct Reader<T> {
    inner: Arc<Inner<T>>,
    prologue: VecDeque<T>,
    /// Next number to read; `None` until there is an entry.
    next: Option<u64>,
    /// No entry before this one will do.
    not_before: u64,
}

impl<T> Clone for Fanout<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Fanout<T> {
    /// An empty buffer.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Inner {
            ring: Mutex::new(Ring {
                bounds,
                items: VecDeque::new(),
                first: 0,
                bytes: 0,
                prologue: Arc::from(Vec::new()),
                entry: None,
                ended: false,
            }),
            changed: Notify::new(),
            readers: AtomicUsize::new(0),
        }))
    }

    /// What a reader that begins at the next entry gets first. A reader that is
    /// there already does not get it: push what it has to know.
    pub fn set_prologue(&self, prologue: Vec<T>) {
        self.0.lock().prologue = Arc::from(prologue);
    }

    /// Nobody may begin before the next entry: what was pushed until now is of
    /// no use to who comes.
    pub fn forget_entry(&self) {
        self.0.lock().entry = None;
    }

    /// Adds a value of so many bytes. A reader may begin at an `entry`.
    pub fn push(&self, item: T, bytes: usize, entry: bool) {
        self.0.lock().push(item, bytes, entry);
        self.0.changed.notify_waiters();
    }

    /// Readers read what is left, and that is all.
    pub fn end(&self) {
        self.0.lock().ended = true;
        self.0.changed.notify_waiters();
    }

    /// How many readers there are.
    pub fn readers(&self) -> usize {
        self.0.readers.load(Ordering::Relaxed)
    }

    /// A reader that begins at the last entry, or waits for the first.
    pub fn reader(&self) -> Reader<T> {
        self.0.readers.fetch_add(1, Ordering::Relaxed);
        Reader {
            inner: self.0.clone(),
            prologue: VecDeque::new(),
            next: None,
            not_before: 0,
        }
    }
}

impl<T> Inner<T> {
    fn lock(&self) -> MutexGuard<'_, Ring<T>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Ring<T> {
    fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    fn push(&mut self, item: T, bytes: usize, entry: bool) {
        if entry {
            self.entry = Some((self.end(), self.prologue.clone()));
        }
        self.items.push_back((item, bytes));
        self.bytes += bytes;
        while self.items.len() > self.bounds.items
            || (self.bytes > self.bounds.bytes && self.items.len() > 1)
        {
            if let Some((_, bytes)) = self.items.pop_front() {
                self.bytes -= bytes;
                self.first += 1;
            }
        }
        if self.entry.as_ref().is_some_and(|(at, _)| *at < self.first) {
            self.entry = None;
        }
    }
}

impl<T: Clone> Reader<T> {
    /// The next value; `None` when there will be none any more. May be dropped
    /// while it waits: nothing is lost.
    pub async fn next(&mut self) -> Option<Read<T>> {
        let inner = self.inner.clone();
        loop {
            let mut changed = pin!(inner.changed.notified());
            changed.as_mut().enable();
            if let Some(answer) = self.try_next() {
                return answer;
            }
            changed.await;
        }
    }

    /// The same without waiting: `None` when there is nothing yet.
    pub fn try_next(&mut self) -> Option<Option<Read<T>>> {
        if let Some(item) = self.prologue.pop_front() {
            return Some(Some(Read::Item(item)));
        }
        let inner = self.inner.clone();
        let ring = inner.lock();
        let Some(next) = self.next else {
            return self.begin(&ring);
        };
        if next < ring.first {
            self.not_before = next;
            self.next = None;
            return Some(Some(Read::Lagged));
        }
        let at = usize::try_from(next - ring.first).unwrap_or(usize::MAX);
        match ring.items.get(at) {
            Some((item, _)) => {
                self.next = Some(next + 1);
                Some(Some(Read::Item(item.clone())))
            }
            None => ring.ended.then_some(None),
        }
    }

    /// Gives up its place, as if it had fallen behind: what follows begins at
    /// the next entry from here on.
    pub fn skip(&mut self) {
        let inner = self.inner.clone();
        let ring = inner.lock();
        self.prologue.clear();
        self.not_before = self.next.unwrap_or_else(|| ring.end());
        self.next = None;
    }

    fn begin(&mut self, ring: &Ring<T>) -> Option<Option<Read<T>>> {
        let entry = ring.entry.as_ref().filter(|(at, _)| *at >= self.not_before);
        let Some((at, prologue)) = entry else {
            return ring.ended.then_some(None);
        };
        self.next = Some(*at);
        self.prologue = prologue.iter().cloned().collect();
        let first = self.prologue.pop_front().or_else(|| {
            self.next = Some(at + 1);
            let index = usize::try_from(at - ring.first).unwrap_or(usize::MAX);
            ring.items.get(index).map(|(item, _)| item.clone())
        });
        first.map(|item| Some(Read::Item(item)))
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.inner.readers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Bounds = Bounds {
        items: 4,
        bytes: 100,
    };

    fn all(reader: &mut Reader<u32>) -> Vec<Option<u32>> {
        let mut got = Vec::new();
        while let Some(Some(read)) = reader.try_next() {
            got.push(match read {
                Read::Item(item) => Some(item),
                Read::Lagged => None,
            });
        }
        got
    }

    #[test]
    fn a_reader_begins_at_the_last_entry_with_its_prologue() {
        let out = Fanout::new(SMALL);
        out.set_prologue(vec![100, 101]);
        out.push(1, 1, false);
        let mut early = out.reader();
        assert_eq!(all(&mut early), [], "no entry yet");
        out.push(2, 1, true);
        out.push(3, 1, false);
        out.set_prologue(vec![200]);
        let mut late = out.reader();
        assert_eq!(all(&mut late), [100, 101, 2, 3].map(Some));
        assert_eq!(all(&mut early), [100, 101, 2, 3].map(Some));
        out.push(4, 1, true);
        assert_eq!(all(&mut late), [Some(4)], "who is there needs no prologue");
        assert_eq!(all(&mut out.reader()), [200, 4].map(Some));
        assert_eq!(out.readers(), 2);
    }

    #[test]
    fn who_falls_behind_begins_again_at_an_entry() {
        let out = Fanout::new(SMALL);
        out.set_prologue(vec![100]);
        out.push(1, 1, true);
        let mut slow = out.reader();
        assert_eq!(all(&mut slow), [100, 1].map(Some));
        for item in 2..=6 {
            out.push(item, 1, false);
        }
        assert_eq!(all(&mut slow), [None], "its place and every entry are gone");
        out.push(7, 1, true);
        assert_eq!(all(&mut slow), [100, 7].map(Some));
    }

    #[test]
    fn bytes_are_bounded_but_one_item_always_fits() {
        let out = Fanout::new(SMALL);
        out.push(1, 60, true);
        out.push(2, 60, true);
        assert_eq!(all(&mut out.reader()), [Some(2)]);
        out.push(3, 500, true);
        assert_eq!(all(&mut out.reader()), [Some(3)]);
    }

    #[test]
    fn the_end_comes_after_what_is_left() {
        let out = Fanout::new(SMALL);
        out.push(1, 1, true);
        let mut reader = out.reader();
        out.end();
        assert_eq!(reader.try_next(), Some(Some(Read::Item(1))));
        assert_eq!(reader.try_next(), Some(None));
        let mut never: Reader<u32> = Fanout::new(SMALL).reader();
        assert_eq!(never.try_next(), None);
    }

    #[test]
    fn a_skip_waits_for_the_next_entry() {
        let out = Fanout::new(SMALL);
        out.push(1, 1, true);
        let mut reader = out.reader();
        assert_eq!(all(&mut reader), [Some(1)]);
        reader.skip();
        out.push(2, 1, false);
        assert_eq!(all(&mut reader), []);
        out.push(3, 1, true);
        assert_eq!(all(&mut reader), [Some(3)]);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken() {
        let out = Fanout::new(SMALL);
        let mut reader = out.reader();
        let task = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
        out.push(1, 1, true);
        assert_eq!(task.await.unwrap(), Some(Read::Item(1)));
    }
}
