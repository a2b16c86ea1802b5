//! Program association and program map (ISO/IEC 13818-1 §2.4.4).

use super::packet::PACKET_BYTES;

/// Streams of a program that are looked at. An encoder sends a picture, a few
/// languages and timed metadata.
pub(super) const MAX_STREAMS: usize = 16;
/// The longest section of these tables, header included (§2.4.4.9).
const MAX_SECTION: usize = 1024;
const TABLE_PAT: u8 = 0;
const TABLE_PMT: u8 = 2;
const DESCRIPTOR_REGISTRATION: u8 = 0x05;
const DESCRIPTOR_METADATA: u8 = 0x26;
const DESCRIPTOR_METADATA_POINTER: u8 = 0x25;
const DESCRIPTOR_EXTENSION: u8 = 0x7f;
/// Channel configuration of Opus, below the extension descriptor.
const EXTENSION_OPUS: u8 = 0x80;

/// What carries what (stream_type, table 2-34).
pub(super) mod stream_type {
    pub const MPEG1_AUDIO: u8 = 0x03;
    pub const MPEG2_AUDIO: u8 = 0x04;
    pub const PRIVATE: u8 = 0x06;
    pub const AAC_ADTS: u8 = 0x0f;
    pub const AAC_LATM: u8 = 0x11;
    pub const METADATA: u8 = 0x15;
    pub const H264: u8 = 0x1b;
    pub const H265: u8 = 0x24;
}

/// Puts a section together from the packets of its PID. Keeps no more than one
/// section, [`MAX_SECTION`] bytes.
#[derive(Debug, Default)]
pub(super) struct Sections {
    buffer: Vec<u8>,
    collecting: bool,
    /// Sections whose checksum was wrong.
    pub broken: u64,
}

impl Sections {
    /// The tables that end in this payload, checked, without their checksum.
    pub(super) fn push(&mut self, start: bool, payload: &[u8], mut each: impl FnMut(&[u8])) {
        if !start {
            return self.gather(payload, &mut each);
        }
        let Some((pointer, rest)) = payload.split_first() else {
            return;
        };
        let Some((before, after)) = rest.split_at_checked(usize::from(*pointer)) else {
            return self.forget();
        };
        self.gather(before, &mut each);
        self.buffer.clear();
        self.collecting = true;
        self.gather(after, &mut each);
    }

    /// A packet is missing: the section cannot be completed.
    pub(super) fn forget(&mut self) {
        self.buffer.clear();
        self.collecting = false;
    }

    fn gather(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8])) {
        if !self.collecting {
            return;
        }
        self.buffer.extend_from_slice(bytes);
        // One packet holds at most 183 / 3 of them.
        while let [table, high, low, ..] = self.buffer[..] {
            let length = 3 + usize::from(u16::from_be_bytes([high & 0x0f, low]));
            // 0xff is stuffing up to the packet's end.
            if table == 0xff || length > MAX_SECTION {
                return self.forget();
            }
            if self.buffer.len() < length {
                return;
            }
            let section = &self.buffer[..length];
            match section.split_last_chunk::<4>() {
                Some((body, _)) if crc32(section) == 0 => each(body),
                _ => self.broken += 1,
            }
            self.buffer.drain(..length);
        }
    }
}

/// The body of a table that is in force now and has one section.
fn table(section: &[u8], id: u8) -> Option<(u16, &[u8])> {
    let [
        table,
        _,
        _,
        id_high,
        id_low,
        version,
        number,
        _last,
        body @ ..,
    ] = section
    else {
        return None;
    };
    let in_force = version & 1 != 0;
    (*table == id && in_force && *number == 0)
        .then(|| (u16::from_be_bytes([*id_high, *id_low]), body))
}

/// The PID of the first program's map. Program 0 is the network's own.
pub(super) fn first_program(section: &[u8]) -> Option<u16> {
    let (_, body) = table(section, TABLE_PAT)?;
    body.chunks_exact(4)
        .find(|entry| entry[..2] != [0, 0])
        .map(|entry| u16::from_be_bytes([entry[2] & 0x1f, entry[3]]))
}

/// One elementary stream of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    /// Where it is.
    pub pid: u16,
    /// What it is (see [`stream_type`]).
    pub kind: u8,
    /// format_identifier of its registration descriptor.
    pub registration: Option<[u8; 4]>,
    /// A metadata descriptor says `ID3 `.
    pub id3: bool,
    /// channel_config_code of Opus.
    pub opus_channels: Option<u8>,
}

/// The streams of a program, in the order of its map; at most [`MAX_STREAMS`].
pub(super) fn program(section: &[u8]) -> Option<Vec<Stream>> {
    let (_, body) = table(section, TABLE_PMT)?;
    let [_, _, high, low, rest @ ..] = body else {
        return None;
    };
    let (_, mut rest) = rest.split_at_checked(length(*high, *low))?;
    let mut streams = Vec::new();
    while let [kind, pid_high, pid_low, high, low, after @ ..] = rest {
        let (descriptors, after) = after.split_at_checked(length(*high, *low))?;
        let pid = u16::from_be_bytes([pid_high & 0x1f, *pid_low]);
        if streams.len() < MAX_STREAMS && streams.iter().all(|other: &Stream| other.pid != pid) {
            streams.push(described(pid, *kind, descriptors));
        }
        rest = after;
    }
    Some(streams)
}

fn length(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high & 0x0f, low]))
}

fn described(pid: u16, kind: u8, mut descriptors: &[u8]) -> Stream {
    let mut stream = Stream {
        pid,
        kind,
        registration: None,
        id3: false,
        opus_channels: None,
    };
    while let [tag, length, rest @ ..] = descriptors {
        let Some((body, rest)) = rest.split_at_checked(usize::from(*length)) else {
            break;
        };
        match (*tag, body) {
            (DESCRIPTOR_REGISTRATION, [a, b, c, d, ..]) => {
                stream.registration = Some([*a, *b, *c, *d]);
            }
            // metadata_application_format, its identifier, metadata_format, its
            // identifier (ISO/IEC 13818-1 §2.6.60).
            (DESCRIPTOR_METADATA, [0xff, 0xff, rest @ ..]) => {
                stream.id3 |= rest.starts_with(b"ID3 ");
            }
            (DESCRIPTOR_EXTENSION, [EXTENSION_OPUS, channels, ..]) => {
                stream.opus_channels = Some(*channels);
            }
            _ => {}
        }
        descriptors = rest;
    }
    stream
}

/// The number of the only program that is written.
const PROGRAM: u16 = 1;

/// A program association table with one program.
pub(super) fn write_pat(map_pid: u16) -> Vec<u8> {
    let [p0, p1] = PROGRAM.to_be_bytes();
    let [high, low] = map_pid.to_be_bytes();
    section(TABLE_PAT, 1, 0, &[p0, p1, high | 0xe0, low])
}

/// A program map. `version` counts up, modulo 32, when the streams change.
pub(super) fn write_pmt(version: u8, pcr_pid: u16, streams: &[Stream]) -> Vec<u8> {
    let info = match streams.iter().any(|stream| stream.id3) {
        true => metadata_pointer(),
        false => Vec::new(),
    };
    let mut body = pid_field(pcr_pid).to_vec();
    body.extend(length_field(info.len()));
    body.extend(info);
    for stream in streams {
        let descriptors = descriptors(stream);
        body.push(stream.kind);
        body.extend(pid_field(stream.pid));
        body.extend(length_field(descriptors.len()));
        body.extend(descriptors);
    }
    section(TABLE_PMT, PROGRAM, version, &body)
}

fn pid_field(pid: u16) -> [u8; 2] {
    (pid | 0xe000).to_be_bytes()
}

/// Of descriptors that we write ourselves: a few dozen bytes.
fn length_field(length: usize) -> [u8; 2] {
    (u16::try_from(length).unwrap_or(0) | 0xf000).to_be_bytes()
}

/// `ID3 ` belongs to this program (§2.6.58; Timed Metadata for HTTP Live
/// Streaming §2.3.2).
fn metadata_pointer() -> Vec<u8> {
    let mut descriptor = vec![DESCRIPTOR_METADATA_POINTER, 15, 0xff, 0xff];
    descriptor.extend(b"ID3 ");
    descriptor.push(0xff);
    descriptor.extend(b"ID3 ");
    descriptor.extend([0, 0x1f]);
    descriptor.extend(PROGRAM.to_be_bytes());
    descriptor
}

fn descriptors(stream: &Stream) -> Vec<u8> {
    let mut all = Vec::new();
    if let Some(registration) = stream.registration {
        all.extend([DESCRIPTOR_REGISTRATION, 4]);
        all.extend(registration);
    }
    if let Some(channels) = stream.opus_channels {
        all.extend([DESCRIPTOR_EXTENSION, 2, EXTENSION_OPUS, channels]);
    }
    if stream.id3 {
        all.extend([DESCRIPTOR_METADATA, 13, 0xff, 0xff]);
        all.extend(b"ID3 ");
        all.push(0xff);
        all.extend(b"ID3 ");
        all.extend([0, 0x0f]);
    }
    all
}

fn section(table: u8, id: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(5 + body.len() + 4).unwrap_or(0);
    let mut section = vec![table];
    section.extend((0xb000 | length).to_be_bytes());
    section.extend(id.to_be_bytes());
    section.extend([0xc1 | version << 1 & 0x3e, 0, 0]);
    section.extend_from_slice(body);
    let crc = crc32(&section);
    section.extend(crc.to_be_bytes());
    debug_assert!(section.len() < PACKET_BYTES * 5);
    section
}

/// CRC-32 of sections: polynomial 0x04c11db7, not reflected, from all ones
/// (annex A). Over a section with its checksum it is 0.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        let index = (crc >> 24) as u8 ^ byte;
        crc << 8 ^ CRC_TABLE[usize::from(index)]
    })
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x04c1_1db7
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read(section: &[u8], packet: usize) -> Vec<Vec<u8>> {
        let mut sections = Sections::default();
        let mut seen = Vec::new();
        for (index, piece) in section.chunks(packet).enumerate() {
            let start = index == 0;
            let payload = if start {
                [&[0], piece].concat()
            } else {
                piece.to_vec()
            };
            sections.push(start, &payload, |section| seen.push(section.to_vec()));
        }
        seen
    }

    #[test]
    fn what_is_written_is_read() {
        let streams = [
            Stream {
                pid: 256,
                kind: stream_type::H264,
                registration: None,
                id3: false,
                opus_channels: None,
            },
            Stream {
                pid: 257,
                kind: stream_type::PRIVATE,
                registration: Some(*b"Opus"),
                id3: false,
                opus_channels: Some(2),
            },
            Stream {
                pid: 258,
                kind: stream_type::METADATA,
                registration: None,
                id3: true,
                opus_channels: None,
            },
        ];
        let table = write_pmt(3, 256, &streams);
        for size in [table.len(), 20, 1] {
            let sections = read(&table, size);
            assert_eq!(sections.len(), 1);
            assert_eq!(program(&sections[0]), Some(streams.to_vec()));
        }
        let sections = read(&write_pat(0x1000), 100);
        assert_eq!(first_program(&sections[0]), Some(0x1000));
    }

    #[test]
    fn a_wrong_checksum_is_no_table() {
        let mut table = write_pat(0x1000);
        table[9] ^= 1;
        assert_eq!(read(&table, 100), Vec::<Vec<u8>>::new());
    }
}
