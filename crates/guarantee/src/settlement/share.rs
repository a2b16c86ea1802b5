//! A share with its counts, as a text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ratio::Ratio;

/// `8622/8640`: what was counted of how much, not reduced. A text, because
/// counts can be beyond what JSON numbers hold exactly.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share(pub Ratio);

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        (self.0.num, self.0.den) == (other.0.num, other.0.den)
    }
}

impl Eq for Share {}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.num, self.0.den)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let read = parts.and_then(|(num, den)| {
            let (num, den) = (num.parse().ok()?, den.parse().ok()?);
            Some(Self(Ratio { num, den }))
        });
        let same = read.filter(|share| share.to_string() == text && share.0.num <= share.0.den);
        same.ok_or_else(|| format!("`{text}` is not a share like `8622/8640`"))
    }
}

impl TryFrom<String> for Share {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Share> for String {
    fn from(share: Share) -> Self {
        share.to_string()
    }
}
