//! Pieces of session descriptions that carry ICE alone (RFC 8840 section 9),
//! as WHIP and WHEP exchange them: trickled candidates, and the credentials of
//! an ICE restart (RFC 9725 section 4.3).

use thiserror::Error;

/// More candidates than a client has: a dozen addresses, each by UDP and TCP,
/// of its own, reflected and relayed, are below it.
pub const MAX_CANDIDATES: usize = 128;

/// What a fragment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// `a=ice-ufrag` and `a=ice-pwd`, where both stand in it.
    pub credentials: Option<Credentials>,
    /// `candidate:…`, without the `a=`.
    pub candidates: Vec<String>,
}

/// ICE user fragment and password (RFC 8839 section 5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// 4 to 256 characters.
    pub ufrag: String,
    /// 22 to 256 characters.
    pub pwd: String,
}

impl std::fmt::Debug for Credentials {
    /// The password stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// Why text is not a fragment.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FragmentError {
    /// Neither a candidate nor credentials nor the end of candidates.
    #[error("no a=candidate, no a=ice-ufrag with a=ice-pwd, no a=end-of-candidates in it")]
    Empty,
    /// One of the two without the other, or not of the right form.
    #[error(
        "a=ice-ufrag needs 4 to 256 and a=ice-pwd 22 to 256 letters, digits, + or /, \
         and one goes with the other"
    )]
    Credentials,
    /// Too many candidates.
    #[error("more than {MAX_CANDIDATES} candidates")]
    TooMany,
}

impl Fragment {
    /// Reads a fragment; lines that are about something else are passed over.
    ///
    /// # Errors
    /// See [`FragmentError`].
    pub fn parse(text: &str) -> Result<Self, FragmentError> {
        let mut fragment = Self::default();
        let (mut ufrag, mut pwd, mut end) = (None, None, false);
        for line in text.lines().map(str::trim) {
            if let Some(value) = line.strip_prefix("a=ice-ufrag:") {
                ufrag = Some(value);
            } else if let Some(value) = line.strip_prefix("a=ice-pwd:") {
                pwd = Some(value);
            } else if line.starts_with("a=candidate:") {
                if fragment.candidates.len() >= MAX_CANDIDATES {
                    return Err(FragmentError::TooMany);
                }
                fragment.candidates.push(line[2..].to_owned());
            } else {
                end |= line == "a=end-of-candidates";
            }
        }
        fragment.credentials = match (ufrag, pwd) {
            (Some(ufrag), Some(pwd)) => Some(Credentials::checked(ufrag, pwd)?),
            (None, None) => None,
            _ => return Err(FragmentError::Credentials),
        };
        let says = end || fragment.credentials.is_some() || !fragment.candidates.is_empty();
        says.then_some(fragment).ok_or(FragmentError::Empty)
    }

    /// The fragment that tells a client of a description's ICE: credentials and
    /// all candidates. `None` where the description has no credentials.
    #[must_use]
    pub fn of(description: &str) -> Option<String> {
        let Credentials { ufrag, pwd } = Credentials::of(description)?;
        let lines = || description.lines().map(str::trim);
        let first = |prefix: &str| lines().find(|l| l.starts_with(prefix));
        let mut text = format!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n");
        let candidates = lines().filter(|l| l.starts_with("a=candidate:"));
        let section = [first("m="), first("a=mid:")].into_iter().flatten();
        for line in section.chain(candidates).chain(["a=end-of-candidates"]) {
            text.push_str(line);
            text.push_str("\r\n");
        }
        Some(text)
    }
}

impl Credentials {
    /// The first credentials of a description: with BUNDLE, all of it.
    #[must_use]
    pub fn of(description: &str) -> Option<Self> {
        let find = |prefix: &str| {
            let mut lines = description.lines();
            lines.find_map(|line| line.trim().strip_prefix(prefix))
        };
        Self::checked(find("a=ice-ufrag:")?, find("a=ice-pwd:")?).ok()
    }

    /// The offer once more, with these credentials and without candidates: what
    /// a client that restarts ICE by a fragment would have offered.
    #[must_use]
    pub fn restart(&self, offer: &str) -> String {
        let mut out = String::with_capacity(offer.len());
        for line in offer.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if line.starts_with("a=candidate:") || line == "a=end-of-candidates" {
                continue;
            }
            if line.starts_with("a=ice-ufrag:") {
                out.push_str("a=ice-ufrag:");
                out.push_str(&self.ufrag);
            } else if line.starts_with("a=ice-pwd:") {
                out.push_str("a=ice-pwd:");
                out.push_str(&self.pwd);
            } else {
                out.push_str(line);
            }
            out.push_str("\r\n");
        }
        out
    }

    fn checked(ufrag: &str, pwd: &str) -> Result<Self, FragmentError> {
        let of_ice = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        let fits = (4..=256).contains(&ufrag.len()) && (22..=256).contains(&pwd.len());
        if !fits || !ufrag.bytes().chain(pwd.bytes()).all(of_ice) {
            return Err(FragmentError::Credentials);
        }
        Ok(Self {
            ufrag: ufrag.to_owned(),
            pwd: pwd.to_owned(),
        })
    }
}

/// Entry point for a fuzzer: any bytes as a fragment and as a description.
pub fn fuzz_fragment(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Fragment::of(&text);
    if let Ok(fragment) = Fragment::parse(&text)
        && let Some(credentials) = fragment.credentials
    {
        let restarted = credentials.restart(&text);
        assert_eq!(Credentials::of(&restarted), Some(credentials));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRICKLED: &str = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
        m=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\n\
        a=candidate:3471623853 1 udp 2122194687 198.51.100.1 61765 typ host\r\n\
        a=end-of-candidates\r\n";

    #[test]
    fn the_example_of_the_standard() {
        let fragment = Fragment::parse(TRICKLED).unwrap();
        assert_eq!(fragment.credentials.as_ref().unwrap().ufrag, "EsAw");
        assert_eq!(fragment.candidates.len(), 2);
        assert!(fragment.candidates[0].starts_with("candidate:1387637174 1 udp"));
        assert_eq!(Fragment::of(TRICKLED).unwrap(), TRICKLED);
        assert!(!format!("{fragment:?}").contains("P2uYro"));
    }

    #[test]
    fn what_is_no_fragment() {
        let error = |text: &str| Fragment::parse(text).unwrap_err();
        assert_eq!(error(""), FragmentError::Empty);
        assert_eq!(error("m=audio 9 RTP/AVP 0"), FragmentError::Empty);
        assert_eq!(error("a=ice-ufrag:EsAw"), FragmentError::Credentials);
        let short = "a=ice-ufrag:EsAw\na=ice-pwd:short";
        assert_eq!(error(short), FragmentError::Credentials);
        let many = "a=candidate:1\n".repeat(MAX_CANDIDATES + 1);
        assert_eq!(error(&many), FragmentError::TooMany);
        assert!(Fragment::parse("a=end-of-candidates").is_ok());
    }

    #[test]
    fn a_restart_changes_credentials_and_nothing_else() {
        let offer = "v=0\r\nm=audio 9 X 0\r\na=ice-ufrag:old1\r\na=ice-pwd:0123456789012345678901\r\n\
                     a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\na=sendonly\r\n";
        let new = Fragment::parse(TRICKLED).unwrap().credentials.unwrap();
        let expected = "v=0\r\nm=audio 9 X 0\r\na=ice-ufrag:EsAw\r\n\
                        a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=sendonly\r\n";
        assert_eq!(new.restart(offer), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(
            lines in proptest::collection::vec(
                " ?(a=(ice-ufrag|ice-pwd|candidate|end-of-candidates|mid):?[a-zA-Z0-9+/]{0,30}|.{0,20})", 0..12),
        ) {
            fuzz_fragment(lines.join("\n").as_bytes());
        }
    }
}
