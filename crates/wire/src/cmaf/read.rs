//! Reading of what this module writes, and of what others write alike.

/// A track of an initialization segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackHead {
    /// Its number in the file.
    pub id: u32,
    /// Ticks a second.
    pub timescale: u32,
    /// Its sample entry, such as `avc1`.
    pub entry: [u8; 4],
}

/// Frames of one `trun`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunHead {
    /// The track's number.
    pub track: u32,
    /// Decoding time of the first frame in ticks.
    pub time: u64,
    /// The frames.
    pub samples: Vec<SampleHead>,
}

/// A frame without its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleHead {
    /// Ticks.
    pub duration: u32,
    /// Bytes.
    pub size: u32,
    /// Ticks from decoding to showing.
    pub offset: i32,
    /// A decoder can start here.
    pub keyframe: bool,
}

impl RunHead {
    /// Ticks that the frames last.
    #[must_use]
    pub fn duration(&self) -> u64 {
        self.samples.iter().map(|it| u64::from(it.duration)).sum()
    }
}

/// The boxes in `bytes`, by kind and content; ends where one is cut.
pub fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (kind, header, size) = box_header(bytes)?;
        let content = bytes.get(header..size)?;
        bytes = &bytes[size..];
        Some((kind, content))
    })
}

/// Kind, bytes of the header and bytes of the whole box at the front, which may
/// reach past the end. `None` where it is cut or lies.
#[must_use]
pub fn box_header(bytes: &[u8]) -> Option<([u8; 4], usize, usize)> {
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let (header, size) = match u32_at(bytes, 0)? {
        0 => (8, bytes.len()),
        1 => (16, usize::try_from(u64_at(bytes, 8)?).ok()?),
        size => (8, size as usize),
    };
    (size >= header).then_some((kind, header, size))
}

/// The tracks of an initialization segment.
#[must_use]
pub fn tracks(init: &[u8]) -> Vec<TrackHead> {
    let moov = find(init, b"moov").unwrap_or_default();
    boxes(moov)
        .filter(|(kind, _)| kind == b"trak")
        .filter_map(|(_, trak)| track(trak))
        .collect()
}

fn track(trak: &[u8]) -> Option<TrackHead> {
    let tkhd = find(trak, b"tkhd")?;
    let mdia = find(trak, b"mdia")?;
    let mdhd = find(mdia, b"mdhd")?;
    let wide = |body: &[u8]| body.first() == Some(&1);
    let id = u32_at(tkhd, if wide(tkhd) { 20 } else { 12 })?;
    let timescale = u32_at(mdhd, if wide(mdhd) { 20 } else { 12 })?;
    let stsd = find(find(find(mdia, b"minf")?, b"stbl")?, b"stsd")?;
    let entry = stsd.get(12..16)?.try_into().ok()?;
    Some(TrackHead {
        id,
        timescale,
        entry,
    })
}

/// The runs of all whole fragments in `media`.
#[must_use]
pub fn runs(media: &[u8]) -> Vec<RunHead> {
    let mut all = Vec::new();
    for (_, moof) in boxes(media).filter(|(kind, _)| kind == b"moof") {
        for (_, traf) in boxes(moof).filter(|(kind, _)| kind == b"traf") {
            all.extend(run(traf));
        }
    }
    all
}

/// What `tfhd` says of samples that say nothing themselves.
#[derive(Default)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

fn run(traf: &[u8]) -> Option<RunHead> {
    let tfhd = find(traf, b"tfhd")?;
    let mut head = Fields(tfhd);
    let flags = head.u32()?;
    let track = head.u32()?;
    head.skip_if(flags & 0x1 != 0, 8)?;
    head.skip_if(flags & 0x2 != 0, 4)?;
    let mut defaults = Defaults::default();
    for (bit, field) in [
        (0x8, &mut defaults.duration),
        (0x10, &mut defaults.size),
        (0x20, &mut defaults.flags),
    ] {
        if flags & bit != 0 {
            *field = head.u32()?;
        }
    }
    let tfdt = find(traf, b"tfdt")?;
    let time = match tfdt.first()? {
        0 => u64::from(u32_at(tfdt, 4)?),
        _ => u64_at(tfdt, 4)?,
    };
    let samples = samples(find(traf, b"trun")?, &defaults)?;
    Some(RunHead {
        track,
        time,
        samples,
    })
}

fn samples(trun: &[u8], defaults: &Defaults) -> Option<Vec<SampleHead>> {
    let mut fields = Fields(trun);
    let has = fields.u32()?;
    let count = fields.u32()?;
    fields.skip_if(has & 0x1 != 0, 4)?;
    let first = if has & 0x4 != 0 {
        Some(fields.u32()?)
    } else {
        None
    };
    let each = (has & 0xf00).count_ones() as usize * 4;
    // A count that the box has no room for; without fields, one that nobody sends.
    if count as usize > fields.0.len().checked_div(each).unwrap_or(4096) {
        return None;
    }
    let mut samples = Vec::with_capacity(count as usize);
    for index in 0..count {
        let mut field = |bit, default| match has & bit {
            0 => Some(default),
            _ => fields.u32(),
        };
        let duration = field(0x100, defaults.duration)?;
        let size = field(0x200, defaults.size)?;
        let unless_told = first.filter(|_| index == 0).unwrap_or(defaults.flags);
        let flags = field(0x400, unless_told)?;
        let offset = field(0x800, 0)? as i32;
        samples.push(SampleHead {
            duration,
            size,
            offset,
            keyframe: flags & 0x1_0000 == 0,
        });
    }
    Some(samples)
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&mut self) -> Option<u32> {
        let value = u32_at(self.0, 0)?;
        self.0 = &self.0[4..];
        Some(value)
    }

    fn skip_if(&mut self, there: bool, bytes: usize) -> Option<()> {
        if there {
            self.0 = self.0.get(bytes..)?;
        }
        Some(())
    }
}

fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes)
        .find(|(it, _)| it == kind)
        .map(|(_, body)| body)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(field.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(field.try_into().ok()?))
}

/// Whatever the bytes are, reading them ends.
pub fn fuzz_cmaf(bytes: &[u8]) {
    for track in tracks(bytes) {
        std::hint::black_box(track);
    }
    for run in runs(bytes) {
        std::hint::black_box(run.duration());
    }
}
