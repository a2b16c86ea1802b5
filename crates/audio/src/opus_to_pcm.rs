//! Opus frames become sound at 48 kHz.

use std::collections::VecDeque;

use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};

use crate::error::Error;
use crate::opus::OpusDecoder;
use crate::pcm::{Pcm, RATE, micros, samples};
use crate::splice::{Splice, Splicer};

/// Microseconds that libopus makes up for lost packets. Three packets: after
/// that it has faded to silence.
const CONCEALED: i64 = 60_000;

/// Microseconds of silence that one call gives at most. Whoever calls does so
/// several times a second.
const SILENCE: i64 = 1_000_000;

/// What rooms speak becomes what an AAC encoder takes.
///
/// Within a run, each piece begins where the one before it ended.
pub struct OpusToPcm {
    decoder: OpusDecoder,
    splicer: Splicer,
    pieces: VecDeque<Pcm>,
}

impl OpusToPcm {
    /// From Opus of this format.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for more than two channels, [`Error::Config`] for
    /// what is no Opus.
    pub fn new(format: &Format) -> Result<Self, Error> {
        if format.codec != FrameCodec::Opus {
            return Err(Error::Config(format!("{} is not Opus", format.codec)));
        }
        let decoder = OpusDecoder::for_format(format)?;
        let splicer = Splicer::new(RATE, decoder.channels());
        Ok(Self {
            decoder,
            splicer,
            pieces: VecDeque::new(),
        })
    }

    /// Channels of what comes out.
    #[must_use]
    pub const fn channels(&self) -> u8 {
        self.decoder.channels()
    }

    /// When the next sample is due; `None` before the first.
    #[must_use]
    pub fn end(&self) -> Option<MediaTime> {
        self.splicer.end()
    }

    /// Takes a packet. What was lost before it is made up, a damaged one
    /// becomes silence.
    ///
    /// # Errors
    ///
    /// When the stage is over: nothing was decodable for two seconds.
    pub fn push(&mut self, frame: &Frame) -> Result<(), Error> {
        let mut piece = Vec::new();
        let mut at = frame.pts;
        let length = self.decoder.samples(&frame.data).unwrap_or(0);
        let missing = self.splicer.missing(at, length);
        if let Some(missing) = missing.filter(|m| *m <= samples(CONCEALED, RATE)) {
            self.decoder.conceal(missing, &frame.data, &mut piece);
            at = at.plus(-micros(self.per_channel(&piece), RATE));
        }
        if !self.decoder.decode(&frame.data, &mut piece)? {
            return Ok(());
        }
        let start = self.splicer.end();
        match self.splicer.splice(at, &mut piece) {
            Splice::NewRun(at) => self.give(at, piece),
            Splice::Continues => self.give(start.unwrap_or(at), piece),
        }
        Ok(())
    }

    /// Nothing comes at the moment (a muted microphone sends nothing), and who
    /// listens needs sound nevertheless: goes on with silence until `until`, at most a
    /// second of it. A packet that comes for a time that has passed is cut. Nothing happens
    /// before the first packet.
    pub fn silence(&mut self, until: MediaTime) {
        let until = self.end().map_or(until, |end| until.min(end.plus(SILENCE)));
        while let Some(start) = self.splicer.end().filter(|end| *end < until) {
            let piece = self.splicer.silence(until);
            if piece.is_empty() {
                return;
            }
            self.give(start, piece);
        }
    }

    /// The next piece.
    pub fn poll(&mut self) -> Option<Pcm> {
        self.pieces.pop_front()
    }

    fn give(&mut self, at: MediaTime, samples: Vec<f32>) {
        if !samples.is_empty() {
            self.pieces.push_back(Pcm {
                at,
                channels: self.channels(),
                samples,
            });
        }
    }

    fn per_channel(&self, piece: &[f32]) -> u64 {
        (piece.len() / usize::from(self.channels())) as u64
    }
}
