//! Session descriptions as text (RFC 8866, RFC 8829): what the engine under us
//! does not tell of an offer, and what we want otherwise in its answer.
//!
//! The engine negotiates codecs, extensions and transports. It does not let us
//! say which `a=msid` a section carries this time, that a section stays unused
//! for now, or which codec the sender shall prefer. Those few lines are edited
//! here; everything else passes untouched.

pub mod fragment;

use std::fmt::Write as _;

use surecast_media::control::Kind;

/// More media sections than any client of ours makes (two per remote track in
/// a room of a few hundred); an offer above is refused, so that no peer makes
/// us negotiate without end.
pub const MAX_SECTIONS: usize = 600;

/// Direction attribute, from the view of whoever wrote the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `a=sendrecv`, also when none is given.
    SendRecv,
    /// `a=sendonly`
    SendOnly,
    /// `a=recvonly`
    RecvOnly,
    /// `a=inactive`
    Inactive,
}

impl Direction {
    /// The writer sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// The writer receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    fn parse(line: &str) -> Option<Self> {
        match line {
            "a=sendrecv" => Some(Self::SendRecv),
            "a=sendonly" => Some(Self::SendOnly),
            "a=recvonly" => Some(Self::RecvOnly),
            "a=inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

/// What we read of one audio or video section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `a=mid`
    pub mid: String,
    /// From the `m=` line.
    pub kind: Kind,
    /// The direction; a rejected section (port 0 outside the bundle) is
    /// inactive.
    pub direction: Direction,
    /// Track id of `a=msid`; clients call it `cid` in signalling.
    pub track_id: Option<String>,
    /// Send rids, in the writer's order.
    pub rids: Vec<String>,
    /// Media type of the first codec that is not a repair format.
    pub first_codec: Option<String>,
    /// Encoding names in the order of preference, repair formats too.
    pub codecs: Vec<String>,
    /// Opus with two channels (RFC 7587 section 6.1, `stereo` or `sprop-stereo`).
    pub stereo: bool,
    /// Opus that stops sending in silence (`usedtx`).
    pub dtx: bool,
}

/// The audio and video sections of a description, in order.
#[must_use]
pub fn sections(sdp: &str) -> Vec<Section> {
    let (session, media) = split(sdp);
    let bundled: Vec<&str> = session
        .iter()
        .find_map(|l| l.strip_prefix("a=group:BUNDLE "))
        .map(|mids| mids.split(' ').collect())
        .unwrap_or_default();
    media
        .iter()
        .take(MAX_SECTIONS)
        .filter_map(|lines| read_section(lines, &bundled))
        .collect()
}

/// Number of `m=` lines.
#[must_use]
pub fn section_count(sdp: &str) -> usize {
    split(sdp).1.len()
}

/// What shall be different in one section. `Default` changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The section is not used this time: inactive, without `msid` and `ssrc`.
    pub unused: bool,
    /// Stream id and track id for `a=msid` (RFC 8830).
    pub msid: Option<(String, String)>,
    /// `video/VP8` and the like: listed first, so that the peer sends it.
    pub prefer: Option<String>,
    /// Take RFC 2198 redundancy out.
    pub without_red: bool,
    /// Appended to the parameters of Opus, `stereo=1` and the like.
    pub opus: Vec<&'static str>,
}

/// The description with [`Edit`]s applied to the sections by mid.
#[must_use]
pub fn edit(sdp: &str, edit_of: impl Fn(&str) -> Option<Edit>) -> String {
    let (session, media) = split(sdp);
    let mut out = String::with_capacity(sdp.len() + 256);
    for line in session {
        push(&mut out, line);
    }
    for lines in media {
        match mid_of(&lines).and_then(&edit_of) {
            Some(edit) => edit_section(&mut out, &lines, &edit),
            None => lines.iter().for_each(|l| push(&mut out, l)),
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push_str("\r\n");
}

/// Session lines, then the lines of each media section.
fn split(sdp: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut session = Vec::new();
    let mut media: Vec<Vec<&str>> = Vec::new();
    for line in sdp.lines().map(str::trim_end).filter(|l| !l.is_empty()) {
        if line.starts_with("m=") {
            media.push(vec![line]);
        } else if let Some(last) = media.last_mut() {
            last.push(line);
        } else {
            session.push(line);
        }
    }
    (session, media)
}

fn mid_of<'a>(lines: &[&'a str]) -> Option<&'a str> {
    lines.iter().find_map(|l| l.strip_prefix("a=mid:"))
}

fn read_section(lines: &[&str], bundled: &[&str]) -> Option<Section> {
    let mut m = lines.first()?.strip_prefix("m=")?.split(' ');
    let kind = match m.next()? {
        "audio" => Kind::Audio,
        "video" => Kind::Video,
        _ => return None,
    };
    let port = m.next()?;
    let mid = mid_of(lines)?;
    let rejected = port == "0" && !bundled.contains(&mid);
    let direction = if rejected {
        Direction::Inactive
    } else {
        let said = lines.iter().find_map(|l| Direction::parse(l));
        said.unwrap_or(Direction::SendRecv)
    };
    let track_id = lines
        .iter()
        .find_map(|l| l.strip_prefix("a=msid:"))
        .and_then(|v| v.split(' ').nth(1))
        .map(str::to_owned);
    Some(Section {
        mid: mid.to_owned(),
        kind,
        direction,
        track_id,
        rids: send_rids(lines),
        first_codec: first_codec(kind, lines),
        codecs: codecs(lines),
        stereo: opus_says(lines, &["stereo=1", "sprop-stereo=1"]),
        dtx: opus_says(lines, &["usedtx=1"]),
    })
}

fn codecs(lines: &[&str]) -> Vec<String> {
    let pts = lines
        .first()
        .map(|m| payload_types(m))
        .into_iter()
        .flatten();
    let named = pts.filter_map(|pt| encodings(lines).find(|(p, _)| *p == pt));
    named.map(|(_, name)| name.to_owned()).collect()
}

/// One of the parameters stands with Opus.
fn opus_says(lines: &[&str], parameters: &[&str]) -> bool {
    let opus = pts_of(lines, "opus");
    let of_opus = |line: &&&str| opus.iter().any(|pt| is_fmtp_of(line, pt));
    lines.iter().filter(of_opus).any(|line| {
        let list = line.split_once(' ').map_or("", |(_, list)| list);
        list.split(';').any(|p| parameters.contains(&p.trim()))
    })
}

fn send_rids(lines: &[&str]) -> Vec<String> {
    let rids = lines.iter().filter_map(|l| l.strip_prefix("a=rid:"));
    rids.filter_map(|v| {
        let mut words = v.split(' ');
        let rid = words.next()?;
        (words.next()? == "send").then(|| rid.to_owned())
    })
    .collect()
}

/// Payload type → encoding name, from `a=rtpmap`.
fn encodings<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    lines.iter().filter_map(|l| {
        let (pt, rest) = l.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        Some((pt, rest.split('/').next()?))
    })
}

fn payload_types(m_line: &str) -> impl Iterator<Item = &str> {
    m_line.split(' ').skip(3)
}

fn first_codec(kind: Kind, lines: &[&str]) -> Option<String> {
    const REPAIR: [&str; 4] = ["rtx", "ulpfec", "flexfec-03", "telephone-event"];
    let prefix = match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    };
    payload_types(lines.first()?).find_map(|pt| {
        let (_, name) = encodings(lines).find(|(p, _)| *p == pt)?;
        let repair = REPAIR.iter().any(|r| r.eq_ignore_ascii_case(name));
        (!repair).then(|| format!("{prefix}/{name}"))
    })
}

fn edit_section(out: &mut String, lines: &[&str], edit: &Edit) {
    let red: Vec<&str> = if edit.without_red {
        pts_of(lines, "red")
    } else {
        Vec::new()
    };
    let opus = pts_of(lines, "opus");
    for (i, &line) in lines.iter().enumerate() {
        if i == 0 {
            push(out, &m_line(line, lines, edit, &red));
        } else if Direction::parse(line).is_some() && edit.unused {
            push(out, "a=inactive");
        } else if let Some(old) = line.strip_prefix("a=msid:") {
            edit_msid(out, old, edit);
        } else if line.starts_with("a=ssrc") {
            edit_ssrc(out, line, edit);
        } else if red.iter().any(|pt| is_about(line, pt)) {
            // Left out with its payload type.
        } else if opus.iter().any(|pt| is_fmtp_of(line, pt)) {
            let mut line = line.to_owned();
            for parameter in &edit.opus {
                let _ = write!(line, ";{parameter}");
            }
            push(out, &line);
        } else {
            push(out, line);
        }
    }
}

fn edit_msid(out: &mut String, old: &str, edit: &Edit) {
    if edit.unused {
        return;
    }
    match &edit.msid {
        Some((stream, track)) => push(out, &format!("a=msid:{stream} {track}")),
        None => push(out, &format!("a=msid:{old}")),
    }
}

fn edit_ssrc(out: &mut String, line: &str, edit: &Edit) {
    if edit.unused {
        return;
    }
    match (&edit.msid, line.split_once(" msid:")) {
        (Some((stream, track)), Some((ssrc, _))) => {
            push(out, &format!("{ssrc} msid:{stream} {track}"));
        }
        _ => push(out, line),
    }
}

fn pts_of<'a>(lines: &'a [&'a str], encoding: &str) -> Vec<&'a str> {
    encodings(lines)
        .filter(|(_, name)| name.eq_ignore_ascii_case(encoding))
        .map(|(pt, _)| pt)
        .collect()
}

/// `a=rtpmap`, `a=fmtp` or `a=rtcp-fb` of this payload type.
fn is_about(line: &str, pt: &str) -> bool {
    ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().any(|p| {
        line.strip_prefix(p)
            .and_then(|rest| rest.split_once(' '))
            .is_some_and(|(of, _)| of == pt)
    })
}

fn is_fmtp_of(line: &str, pt: &str) -> bool {
    line.starts_with("a=fmtp:") && is_about(line, pt)
}

fn m_line(line: &str, lines: &[&str], edit: &Edit, red: &[&str]) -> String {
    let wanted = edit.prefer.as_deref().and_then(|m| m.split('/').nth(1));
    let preferred = wanted.map(|name| pts_of(lines, name)).unwrap_or_default();
    let all: Vec<&str> = payload_types(line).filter(|pt| !red.contains(pt)).collect();
    let first = all.iter().filter(|pt| preferred.contains(pt));
    let rest = all.iter().filter(|pt| !preferred.contains(pt));
    let head: Vec<&str> = line.split(' ').take(3).collect();
    let mut out = head.join(" ");
    for pt in first.chain(rest) {
        out.push(' ');
        out.push_str(pt);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        a=group:BUNDLE 0 1 2\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\na=mid:0\r\na=sendonly\r\n\
        a=msid:- mic\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n\
        a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 45\r\na=mid:1\r\na=sendrecv\r\n\
        a=msid:s cam\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n\
        a=fmtp:97 apt=96\r\na=rtpmap:45 AV1/90000\r\na=rid:q send\r\na=rid:f send\r\n\
        a=ssrc:5 cname:x\r\na=ssrc:5 msid:s cam\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=recvonly\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

    #[test]
    fn sections_are_read() {
        let read = sections(OFFER);
        assert_eq!(read.len(), 3);
        assert_eq!(read[0].track_id.as_deref(), Some("mic"));
        assert_eq!(read[0].first_codec.as_deref(), Some("audio/red"));
        assert_eq!(read[1].rids, ["q", "f"]);
        assert_eq!(read[1].codecs, ["VP8", "rtx", "AV1"]);
        assert!(!read[0].stereo && !read[0].dtx);
        let stereo = OFFER.replace("minptime=10", "minptime=10; stereo=1;usedtx=1");
        assert!(sections(&stereo)[0].stereo && sections(&stereo)[0].dtx);
        assert!(read[1].direction.sends() && read[1].direction.receives());
        assert_eq!(read[2].direction, Direction::Inactive, "rejected");
        assert_eq!(section_count(OFFER), 4);
    }

    #[test]
    fn an_unused_section_names_no_stream() {
        let out = edit(OFFER, |mid| {
            (mid == "1").then(|| Edit {
                unused: true,
                ..Edit::default()
            })
        });
        let video = &sections(&out)[1];
        assert_eq!(video.direction, Direction::Inactive);
        assert_eq!(video.track_id, None);
        assert!(!out.contains("a=ssrc:5"));
        assert!(out.contains("a=msid:- mic"), "others are untouched");
    }

    #[test]
    fn codec_order_red_and_opus_parameters_are_edited() {
        let out = edit(OFFER, |mid| match mid {
            "0" => Some(Edit {
                without_red: true,
                opus: vec!["stereo=1", "usedtx=1"],
                ..Edit::default()
            }),
            "1" => Some(Edit {
                prefer: Some("video/av1".into()),
                msid: Some(("PA_1|camera".into(), "TR_1".into())),
                ..Edit::default()
            }),
            _ => None,
        });
        assert!(out.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
        assert!(!out.contains("red/48000"));
        assert!(out.contains("a=fmtp:111 minptime=10;stereo=1;usedtx=1\r\n"));
        assert!(out.contains("m=video 9 UDP/TLS/RTP/SAVPF 45 96 97\r\n"));
        assert!(out.contains("a=msid:PA_1|camera TR_1\r\n"));
        assert!(out.contains("a=ssrc:5 msid:PA_1|camera TR_1\r\n"));
    }

    #[test]
    fn no_edit_is_the_identity() {
        assert_eq!(edit(OFFER, |_| None), OFFER);
        assert_eq!(edit(OFFER, |_| Some(Edit::default())), OFFER);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(?s).{0,300}", lines in proptest::collection::vec(
            "(m=(audio|video|foo) ?[0-9]{0,2}.{0,20}|a=(mid|msid|rid|rtpmap|fmtp|ssrc):?.{0,20})", 0..20)) {
            for sdp in [text.clone(), lines.join("\r\n")] {
                let _ = sections(&sdp);
                let _ = edit(&sdp, |_| Some(Edit {
                    unused: true, without_red: true, prefer: Some("video/VP8".into()),
                    msid: Some(("a".into(), "b".into())), opus: vec!["stereo=1"],
                }));
            }
        }
    }
}
