//! Makes str0m's offers look like a browser's.

/// Takes out of the offer what a browser does not write: `msid` and `ssrc` of
/// sections that only receive, and `ssrc` of simulcast sections. A server could
/// take the former for tracks, and the latter hide whether it finds the
/// encodings by their `rid`, as it must with browsers.
pub(super) fn as_browser(offer: &str) -> String {
    let mut out = String::with_capacity(offer.len());
    for section in sections(offer) {
        let receives = section.contains("\r\na=recvonly\r\n");
        let simulcast = section.contains("\r\na=simulcast:");
        for line in section.split_inclusive('\n') {
            let ssrc = line.starts_with("a=ssrc");
            let msid = line.starts_with("a=msid:");
            if (receives && (ssrc || msid)) || (simulcast && ssrc) {
                continue;
            }
            out.push_str(line);
        }
    }
    out
}

/// The session part and each media section, with their line ends.
fn sections(sdp: &str) -> impl Iterator<Item = &str> {
    let mut rest = sdp;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find("\r\nm=").map_or(rest.len(), |at| at + 2);
        let (section, tail) = rest.split_at(end);
        rest = tail;
        Some(section)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_leave_out_is_gone() {
        let sdp = "v=0\r\na=msid-semantic: WMS x\r\n\
            m=audio 9\r\na=recvonly\r\na=msid:x y\r\na=ssrc:1 cname:x\r\na=mid:0\r\n\
            m=video 9\r\na=sendonly\r\na=msid:x z\r\na=simulcast:send q;h;f\r\na=ssrc:2 cname:x\r\n\
            m=audio 9\r\na=sendonly\r\na=msid:x z\r\na=ssrc:3 cname:x\r\n";
        let want = "v=0\r\na=msid-semantic: WMS x\r\n\
            m=audio 9\r\na=recvonly\r\na=mid:0\r\n\
            m=video 9\r\na=sendonly\r\na=msid:x z\r\na=simulcast:send q;h;f\r\n\
            m=audio 9\r\na=sendonly\r\na=msid:x z\r\na=ssrc:3 cname:x\r\n";
        assert_eq!(as_browser(sdp), want);
    }
}
