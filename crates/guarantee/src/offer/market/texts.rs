//! What the facts' texts say, as values.

use crate::offer::terms::{Surge, Window};
use crate::ratio::Percent;

/// Names for people; an id that is not listed is shown as it is.
pub(super) fn names(id: &str) -> (String, Option<String>) {
    let (name, vendor) = match id {
        "agora-xla" => ("Agora XLA", "Agora"),
        "tencent-live" => ("Tencent Cloud Live", "Tencent Cloud"),
        "tencent-vod" => ("Tencent Cloud VOD", "Tencent Cloud"),
        "volcengine-live" => ("Volcengine Live", "Volcengine"),
        "twilio" => ("Twilio", "Twilio"),
        "aws-medialive" => ("AWS MediaLive", "AWS"),
        "aws-chime-sdk" => ("Amazon Chime SDK", "AWS"),
        "aws-ivs" => ("Amazon IVS", "AWS"),
        "google-media-cdn" => ("Google Media CDN", "Google Cloud"),
        "zoom-support" => ("Zoom support plans", "Zoom"),
        "azure-support" => ("Azure support plans", "Microsoft"),
        "azure-acs" => ("Azure Communication Services", "Microsoft"),
        "livekit-cloud" => ("LiveKit Cloud", "LiveKit"),
        "daily" => ("Daily", "Daily"),
        "vonage-video" => ("Vonage Video", "Vonage"),
        "mux" => ("Mux", "Mux"),
        "zego" => ("ZEGO", "ZEGO"),
        "alibaba-live" => ("Alibaba Cloud Live", "Alibaba Cloud"),
        "cloudflare-realtime-stream" => ("Cloudflare Realtime, Stream", "Cloudflare"),
        other => return (other.to_owned(), None),
    };
    (name.to_owned(), Some(vendor.to_owned()))
}

/// The share after a sign: `>0.4% play failure`.
pub(super) fn threshold(text: &str, sign: char) -> Result<Percent, String> {
    let rest = text.trim_start_matches(sign);
    let end = rest
        .find('%')
        .ok_or_else(|| format!("`{text}`: no share"))?;
    rest[..=end].parse()
}

pub(super) fn leading<T: std::str::FromStr>(text: &str) -> Option<T> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

/// A multiple of the average where there is one, otherwise announcing. Of "above
/// 3x (2022) or 5x …" the first is taken: the one that is worse for the buyer.
pub(super) fn surge(text: &str) -> Result<Surge, String> {
    let multiple = text.strip_prefix("above ").and_then(leading::<u32>);
    Ok(Surge {
        above: multiple.map(Into::into),
        unannounced: text.contains("unnotified") || text.contains("notice"),
        text: text.to_owned(),
    })
}

/// The window of a text: `4h SLA credits`, `<15min`, `NBD`.
pub(super) fn window(text: &str) -> Window {
    let number: Option<u32> = leading(text.trim_start_matches('<'));
    let unit = text.trim_start_matches(|c: char| c == '<' || c.is_ascii_digit());
    let minutes = match number {
        Some(n) if unit.starts_with("min") => Some(n),
        Some(n) if unit.starts_with('h') => Some(n * 60),
        _ => None,
    };
    Window {
        minutes,
        credited: text.contains("credits"),
        credit: None,
        text: Some(text.to_owned()),
    }
}
