//! An encoder's offer as publications: one for each section that it sends.

use axum::http::StatusCode;
use surecast_media::control::Kind;
use surecast_room::proto::{
    AddTrackRequest, AudioTrackFeature, SimulcastCodec, TrackSource, TrackType, VideoLayer,
    VideoQuality,
};
use surecast_sfu::sdp::{self, Section};

use crate::doors::wish::Problem;

/// What the server takes, in the words of `a=rtpmap`.
const AUDIO: &[&str] = &["opus", "PCMU", "PCMA"];
const VIDEO: &[&str] = &["VP8", "H264", "VP9", "AV1"];

/// The publications that the offer carries.
///
/// # Errors
/// It is no offer of an encoder, or nothing in it can be taken.
pub(super) fn announced(offer: &str) -> Result<Vec<AddTrackRequest>, Problem> {
    if !offer.trim_start().starts_with("v=0") {
        let detail = "the body is not a session description: it does not begin with v=0";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let sections = sdp::sections(offer);
    let sending: Vec<&Section> = sections.iter().filter(|s| s.direction.sends()).collect();
    if sending.is_empty() {
        let detail = "the offer sends nothing: it needs an audio or video section with \
                      a=sendonly and an a=mid";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let mut tracks: Vec<AddTrackRequest> = Vec::new();
    for section in sending {
        check_codecs(section)?;
        let track = track(section, &tracks);
        tracks.push(track);
    }
    Ok(tracks)
}

fn check_codecs(section: &Section) -> Result<(), Problem> {
    let (kind, usable) = match section.kind {
        Kind::Audio => ("audio", AUDIO),
        Kind::Video => ("video", VIDEO),
    };
    let takes = |name: &String| usable.iter().any(|u| u.eq_ignore_ascii_case(name));
    if section.codecs.iter().any(takes) {
        return Ok(());
    }
    let (offered, usable) = (section.codecs.join(", "), usable.join(", "));
    let detail = format!(
        "none of the offered {kind} codecs ({offered}) can be sent to viewers: use {usable}"
    );
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, detail))
}

fn track(section: &Section, others: &[AddTrackRequest]) -> AddTrackRequest {
    // Some encoders give no msid, and some give both tracks the same.
    let named = section.track_id.clone().filter(|id| !id.is_empty());
    let named = named.filter(|id| others.iter().all(|other| other.cid != *id));
    let cid = named.unwrap_or_else(|| format!("section-{}", section.mid));
    let (r#type, first, next) = match section.kind {
        Kind::Audio => (
            TrackType::Audio,
            TrackSource::Microphone,
            TrackSource::ScreenShareAudio,
        ),
        Kind::Video => (
            TrackType::Video,
            TrackSource::Camera,
            TrackSource::ScreenShare,
        ),
    };
    let again = others.iter().any(|other| other.r#type() == r#type);
    let layers = layers(&section.rids);
    let codec = SimulcastCodec {
        cid: cid.clone(),
        layers: layers.clone(),
        ..Default::default()
    };
    AddTrackRequest {
        cid,
        r#type: r#type as i32,
        source: if again { next } else { first } as i32,
        audio_features: audio_features(section),
        simulcast_codecs: if layers.is_empty() {
            Vec::new()
        } else {
            vec![codec]
        },
        layers,
        ..Default::default()
    }
}

fn audio_features(section: &Section) -> Vec<i32> {
    let features = [
        (section.stereo, AudioTrackFeature::TfStereo),
        (!section.dtx, AudioTrackFeature::TfNoDtx),
    ];
    let audio = section.kind == Kind::Audio;
    let features = features.into_iter().filter(|(has, _)| audio && *has);
    features.map(|(_, feature)| feature as i32).collect()
}

/// Which rendition is the best does not stand in an offer. Names tell it, else
/// the order does: browsers are given the smallest first, and those that count
/// (OBS) begin with the full picture.
fn layers(rids: &[String]) -> Vec<VideoLayer> {
    let mut order: Vec<&String> = rids.iter().collect();
    if rids.iter().all(|rid| rid.parse::<u32>().is_ok()) {
        order.sort_by_key(|rid| std::cmp::Reverse(rid.parse::<u32>().unwrap_or(0)));
    } else if rids.iter().all(|rid| rank(rid, rids).is_some()) {
        order.sort_by_key(|rid| rank(rid, rids));
    }
    let last = order.len().saturating_sub(1);
    let quality = |index: usize| match index {
        index if index == last => VideoQuality::High,
        0 => VideoQuality::Low,
        _ => VideoQuality::Medium,
    };
    let layer = |(index, rid): (usize, &&String)| VideoLayer {
        quality: quality(index) as i32,
        rid: (*rid).clone(),
        ..Default::default()
    };
    order.iter().enumerate().map(layer).collect()
}

/// Names that are in use: `q h f`, `l m h`, `low mid high`.
fn rank(rid: &str, all: &[String]) -> Option<u8> {
    let quarters = all.iter().any(|rid| rid == "q" || rid == "f");
    match rid.to_ascii_lowercase().as_str() {
        "q" | "l" | "lo" | "low" | "small" => Some(0),
        "h" if quarters => Some(1),
        "m" | "mid" | "med" | "medium" | "half" => Some(1),
        "f" | "h" | "hi" | "high" | "full" | "large" => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(sections: &str) -> String {
        format!(
            "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n{sections}"
        )
    }

    const AUDIO_SECTION: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\n\
        a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;stereo=1\r\n";

    const VIDEO_SECTION: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendonly\r\n\
        a=rtpmap:96 H264/90000\r\n";

    #[test]
    fn without_names_sections_are_told_apart() {
        let tracks = announced(&offer(&format!("{AUDIO_SECTION}{VIDEO_SECTION}"))).unwrap();
        let told: Vec<_> = tracks
            .iter()
            .map(|t| (t.cid.as_str(), t.source()))
            .collect();
        let expected = [
            ("section-0", TrackSource::Microphone),
            ("section-1", TrackSource::Camera),
        ];
        assert_eq!(told, expected);
        assert_eq!(tracks[0].audio_features.len(), 2, "stereo, without pauses");
        assert!(tracks[1].layers.is_empty() && tracks[1].simulcast_codecs.is_empty());
    }

    #[test]
    fn names_that_are_used_twice_are_not_used() {
        let named = |section: &str| format!("{section}a=msid:s same\r\n");
        let text = offer(&format!("{}{}", named(AUDIO_SECTION), named(VIDEO_SECTION)));
        let tracks = announced(&text).unwrap();
        assert_eq!(
            (tracks[0].cid.as_str(), tracks[1].cid.as_str()),
            ("same", "section-1")
        );
    }

    fn qualities(rids: &[&str]) -> Vec<(String, VideoQuality)> {
        let rids: Vec<String> = rids.iter().map(|rid| (*rid).to_owned()).collect();
        let layers = layers(&rids);
        layers
            .into_iter()
            .map(|l| (l.rid.clone(), l.quality()))
            .collect()
    }

    #[test]
    fn renditions_by_name_number_or_order() {
        use VideoQuality::{High, Low, Medium};
        let check = |rids: &[&str], expected: &[(&str, VideoQuality)]| {
            let expected: Vec<_> = expected
                .iter()
                .map(|(r, q)| ((*r).to_owned(), *q))
                .collect();
            assert_eq!(qualities(rids), expected, "{rids:?}");
        };
        check(&["f", "h", "q"], &[("q", Low), ("h", Medium), ("f", High)]);
        check(&["h", "m", "l"], &[("l", Low), ("m", Medium), ("h", High)]);
        check(&["0", "1", "2"], &[("2", Low), ("1", Medium), ("0", High)]);
        check(&["0", "1"], &[("1", Low), ("0", High)]);
        check(&["a", "b"], &[("a", Low), ("b", High)]);
        check(&["only"], &[("only", High)]);
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let refusal = |offer: &str| {
            let problem = announced(offer).unwrap_err();
            (problem.status().as_u16(), problem.detail().to_owned())
        };
        assert_eq!(refusal("hello").0, 400);
        let receiving = offer(&AUDIO_SECTION.replace("sendonly", "recvonly"));
        assert!(refusal(&receiving).1.contains("sends nothing"));
        let hevc = refusal(&offer(&VIDEO_SECTION.replace("H264", "H265")));
        assert_eq!(hevc.0, 406);
        assert!(
            hevc.1.contains("H265") && hevc.1.contains("VP8"),
            "{}",
            hevc.1
        );
    }
}
