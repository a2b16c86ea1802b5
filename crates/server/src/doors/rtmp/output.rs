//! Pieces on their way to a socket.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Pieces that are written one after the other, many with one system call.
#[derive(Default)]
pub(super) struct Output(VecDeque<Bytes>);

impl Output {
    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.0.push_back(bytes);
        }
    }
}

impl Buf for Output {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn has_remaining(&self) -> bool {
        !self.0.is_empty()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |bytes| bytes)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let count = slices.len().min(self.0.len());
        for (slice, bytes) in slices.iter_mut().zip(&self.0) {
            *slice = IoSlice::new(bytes);
        }
        count
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.0.front_mut().filter(|_| count > 0) {
            let taken = count.min(front.len());
            front.advance(taken);
            count -= taken;
            if front.is_empty() {
                self.0.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_in_order_wherever_they_are_cut() {
        for step in 1..8 {
            let mut output = Output::default();
            for piece in [&b"one"[..], b"", b"three", b"x"] {
                output.push(Bytes::from_static(piece));
            }
            let mut all: Vec<u8> = Vec::new();
            while output.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 4];
                let count = output.chunks_vectored(&mut slices);
                let bytes: Vec<u8> = slices[..count].iter().flat_map(|it| it.to_vec()).collect();
                assert_eq!(bytes.len(), output.remaining());
                let taken = step.min(bytes.len());
                all.extend(&bytes[..taken]);
                output.advance(taken);
            }
            assert_eq!(all, b"onethreex");
        }
    }
}
