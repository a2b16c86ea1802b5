//! From bytes to items.

use std::collections::VecDeque;
use std::fmt;

use surecast_media::frame::{Item, TrackNumber};

use super::clock::Clock;
use super::es::{Decoder, Out};
use super::packet::{Cutter, PACKET_BYTES, PID_NULL, PID_PAT, Packet};
use super::pes::{Assembler, Pes};
use super::psi::{self, MAX_STREAMS, Sections, Stream};

/// A picture at 60 Mbit/s and two frames a second; what is longer never ends.
const MAX_VIDEO_PES: usize = 4 << 20;
/// 64 KiB can be told (PES_packet_length); a second of AAC at 512 kbit/s fits
/// where it is not told.
const MAX_OTHER_PES: usize = 128 << 10;
/// A notice for each stream of a program. Who changes its program all the time
/// is not told more about it.
const MAX_NOTICES: usize = MAX_STREAMS;

/// What a stream has that cannot be taken from it, in words for who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A stream of a kind that is not carried on.
    Refused {
        /// Its PID.
        pid: u16,
        /// What it is, and what to send instead.
        why: &'static str,
    },
    /// Packets are scrambled.
    Scrambled,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { pid, why } => write!(f, "the stream on PID {pid} is left out: {why}"),
            Self::Scrambled => {
                f.write_str("scrambled packets are left out: send the stream in the clear")
            }
        }
    }
}

/// What a [`Demuxer`] counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets of 188 bytes.
    pub packets: u64,
    /// Times that the sync byte was not where it should be.
    pub resynchronised: u64,
    /// Packets missing by the continuity counter, each run of them once.
    pub discontinuities: u64,
    /// Tables with a wrong checksum.
    pub broken_tables: u64,
}

/// Takes a transport stream apart: of its first program, the streams that have
/// a meaning here.
///
/// Timestamps of the items are those of the stream, continued over their wrap;
/// a jump in the stream is a jump here. Video begins with a keyframe. A PES
/// packet of which a part is missing is dropped.
///
/// It keeps for each stream of the program one PES packet, at most 4 MiB (video)
/// or 128 KiB, and the parameter sets.
#[derive(Debug, Default)]
pub struct Demuxer {
    cutter: Cutter,
    program: Program,
    packets: u64,
}

impl Demuxer {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next bytes of the stream, in any chunking.
    pub fn push(&mut self, bytes: &[u8]) {
        let (program, packets) = (&mut self.program, &mut self.packets);
        self.cutter.push(bytes, |packet| {
            *packets += 1;
            program.packet(packet);
        });
    }

    /// The stream is over: what was waiting for its end comes out.
    pub fn finish(&mut self) {
        let program = &mut self.program;
        self.cutter.finish(|packet| program.packet(packet));
        program.finish();
    }

    /// The next item. To be called until there is none after each push.
    pub fn poll_item(&mut self) -> Option<Item> {
        self.program.items.pop_front()
    }

    /// What could not be taken, each once.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.program.notices.pop_front()
    }

    /// What was counted.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics {
            packets: self.packets,
            resynchronised: self.cutter.losses,
            discontinuities: self.program.discontinuities,
            broken_tables: self.program.pat.sections.broken + self.program.map.sections.broken,
        }
    }
}

/// The tables of one PID.
#[derive(Debug, Default)]
struct Table {
    sections: Sections,
    continuity: Continuity,
}

impl Table {
    /// The last whole table of this packet that `read` understands.
    fn push<T>(
        &mut self,
        packet: &Packet<'_>,
        payload: &[u8],
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        match self.continuity.next(packet) {
            Order::Repeated => return None,
            Order::Missing => self.sections.forget(),
            Order::Next => {}
        }
        let mut latest = None;
        self.sections.push(packet.start, payload, |section| {
            latest = read(section).or(latest.take())
        });
        latest
    }
}

/// The first program of the stream.
#[derive(Debug, Default)]
struct Program {
    pat: Table,
    map_pid: Option<u16>,
    map: Table,
    streams: Vec<Elementary>,
    clock: Clock,
    items: VecDeque<Item>,
    notices: VecDeque<Notice>,
    discontinuities: u64,
    scrambled: bool,
}

impl Program {
    fn packet(&mut self, bytes: &[u8; PACKET_BYTES]) {
        let Some(packet) = Packet::parse(bytes) else {
            return;
        };
        let Some(payload) = packet.payload else {
            return;
        };
        if packet.pid == PID_NULL {
        } else if packet.scrambled {
            self.note_scrambled(packet.pid);
        } else if packet.pid == PID_PAT {
            if let Some(pid) = self.pat.push(&packet, payload, psi::first_program) {
                self.set_map(pid);
            }
        } else if Some(packet.pid) == self.map_pid {
            if let Some(streams) = self.map.push(&packet, payload, psi::program) {
                self.set_streams(streams);
            }
        } else {
            self.elementary(&packet, payload);
        }
    }

    fn set_map(&mut self, pid: u16) {
        if self.map_pid != Some(pid) {
            self.map_pid = Some(pid);
            self.map = Table::default();
        }
    }

    /// Streams that are still there as they were go on; others end and begin.
    fn set_streams(&mut self, described: Vec<Stream>) {
        let (kept, ended): (Vec<_>, Vec<_>) = std::mem::take(&mut self.streams)
            .into_iter()
            .partition(|stream| described.contains(&stream.stream));
        self.streams = kept;
        for mut stream in ended {
            stream.finish(&mut self.clock, &mut self.items);
            if stream.out.begun() {
                self.items.push_back(Item::End {
                    track: stream.out.track,
                });
            }
        }
        for stream in described {
            if self.streams.iter().all(|known| known.stream != stream) {
                self.begin(stream);
            }
        }
    }

    fn begin(&mut self, stream: Stream) {
        let taken = |number: &u8| {
            self.streams
                .iter()
                .any(|other| other.out.track.0 == *number)
        };
        let Some(number) = (0..=u8::MAX).find(|number| !taken(number)) else {
            return;
        };
        let (decoder, limit) = match Decoder::new(&stream) {
            Ok(decoder) if decoder.is_video() => (Some(decoder), MAX_VIDEO_PES),
            Ok(decoder) => (Some(decoder), MAX_OTHER_PES),
            Err(why) => {
                self.note(Notice::Refused {
                    pid: stream.pid,
                    why,
                });
                (None, 0)
            }
        };
        self.streams.push(Elementary {
            stream,
            decoder,
            assembler: Assembler::new(limit),
            continuity: Continuity::default(),
            out: Out::new(TrackNumber(number)),
        });
    }

    fn elementary(&mut self, packet: &Packet<'_>, payload: &[u8]) {
        let of_packet = |stream: &&mut Elementary| stream.stream.pid == packet.pid;
        if let Some(stream) = self.streams.iter_mut().find(of_packet) {
            let missing = stream.packet(packet, payload, &mut self.clock, &mut self.items);
            self.discontinuities += u64::from(missing);
        }
    }

    fn finish(&mut self) {
        for stream in &mut self.streams {
            stream.finish(&mut self.clock, &mut self.items);
        }
    }

    fn note_scrambled(&mut self, pid: u16) {
        let known = self.streams.iter().any(|stream| stream.stream.pid == pid);
        if known && !self.scrambled {
            self.scrambled = true;
            self.note(Notice::Scrambled);
        }
    }

    fn note(&mut self, notice: Notice) {
        if self.notices.len() < MAX_NOTICES {
            self.notices.push_back(notice);
        }
    }
}

/// One elementary stream.
#[derive(Debug)]
struct Elementary {
    stream: Stream,
    /// `None` where it is left out.
    decoder: Option<Decoder>,
    assembler: Assembler,
    continuity: Continuity,
    out: Out,
}

impl Elementary {
    /// Whether packets are missing before this one.
    fn packet(
        &mut self,
        packet: &Packet<'_>,
        payload: &[u8],
        clock: &mut Clock,
        items: &mut VecDeque<Item>,
    ) -> bool {
        let Some(decoder) = &mut self.decoder else {
            return false;
        };
        let order = self.continuity.next(packet);
        match order {
            Order::Repeated => return false,
            Order::Missing => {
                self.assembler.forget();
                decoder.forget();
            }
            Order::Next => {}
        }
        let out = &mut self.out;
        self.assembler.push(packet.start, payload, |pes| {
            decode(decoder, &pes, clock, out, items)
        });
        order == Order::Missing && !packet.discontinuity
    }

    fn finish(&mut self, clock: &mut Clock, items: &mut VecDeque<Item>) {
        if let (Some(decoder), Some(pes)) = (&mut self.decoder, self.assembler.take()) {
            decode(decoder, &pes, clock, &mut self.out, items);
        }
    }
}

fn decode(
    decoder: &mut Decoder,
    pes: &Pes,
    clock: &mut Clock,
    out: &mut Out,
    items: &mut VecDeque<Item>,
) {
    let times = pes.times.map(|times| {
        let dts = clock.extend(times.dts);
        (clock.near(times.pts), dts)
    });
    out.into(items, |out| decoder.decode(&pes.payload, times, out));
}

/// The continuity counter of one PID (§2.4.3.3).
#[derive(Debug, Default)]
struct Continuity {
    last: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Next,
    Repeated,
    Missing,
}

impl Continuity {
    fn next(&mut self, packet: &Packet<'_>) -> Order {
        match self.last.replace(packet.counter) {
            None => Order::Next,
            Some(last) if packet.counter == (last + 1) & 0x0f => Order::Next,
            Some(last) if packet.counter == last && !packet.discontinuity => Order::Repeated,
            Some(_) => Order::Missing,
        }
    }
}
