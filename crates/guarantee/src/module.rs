//! What a promise can be about: a part of the service, in a region.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A part of the service that is measured and promised by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Module {
    /// From the wish to join to the first media or, where there is none, to
    /// being connected.
    Join,
    /// The WebSocket and what it answers.
    Signalling,
    /// Audio and video between participants.
    Media,
    /// Channels and data.
    Messaging,
    /// HLS, FLV, WHEP: whoever watches.
    Playback,
    /// What is written while a show runs.
    Recording,
    /// Conversational participants.
    Agent,
}

impl Module {
    /// All of them, in the order of statements.
    pub const ALL: [Self; 7] = [
        Self::Join,
        Self::Signalling,
        Self::Media,
        Self::Messaging,
        Self::Playback,
        Self::Recording,
        Self::Agent,
    ];

    /// The name in contracts and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Signalling => "signalling",
            Self::Media => "media",
            Self::Messaging => "messaging",
            Self::Playback => "playback",
            Self::Recording => "recording",
            Self::Agent => "agent",
        }
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Module {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|m| m.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is not a module; there are {names}")
        })
    }
}

/// Longest name of a region: room for `ap-southeast-1-wavelength` and the like.
const MAX_REGION: usize = 32;

/// A region's name: 1 to 32 of `a-z`, `0-9` and `-`, so that it can stand in
/// paths, labels and log entries without quoting.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > MAX_REGION || !text.bytes().all(fits) {
            return Err(format!(
                "`{}` is not a region's name: 1 to {MAX_REGION} of a-z, 0-9 and `-`",
                text.chars().take(MAX_REGION).collect::<String>()
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Region {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

impl Borrow<str> for Region {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
