//! Whom outages hit.

use serde::{Deserialize, Serialize};

use super::MAX_SCENARIOS;
use crate::offer::need::{RegionShare, whole};
use crate::ratio::Percent;

/// Whom an outage hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Users {
    /// All of them.
    Everyone,
    /// Those of one region; each region is as likely.
    OneRegion,
    /// A share, wherever they are.
    Share(Percent),
}

impl TryFrom<String> for Users {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "everyone" => Ok(Self::Everyone),
            "one-region" => Ok(Self::OneRegion),
            share => share.parse().map(Self::Share).map_err(|_| {
                let shown: String = share.chars().take(40).collect();
                format!("`{shown}` are no users: write everyone, one-region, or a share like 20%")
            }),
        }
    }
}

impl From<Users> for String {
    fn from(users: Users) -> Self {
        match users {
            Users::Everyone => "everyone".to_owned(),
            Users::OneRegion => "one-region".to_owned(),
            Users::Share(share) => share.to_string(),
        }
    }
}

/// One way an outage can spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// How likely.
    pub chance: Percent,
    /// Who is hit.
    pub users: Users,
}

/// Ways whose chances sum to 100 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Reach>", into = "Vec<Reach>")]
pub struct Reaches(Vec<Reach>);

impl Default for Reaches {
    fn default() -> Self {
        Self(vec![Reach {
            chance: Percent::ONE,
            users: Users::Everyone,
        }])
    }
}

impl TryFrom<Vec<Reach>> for Reaches {
    type Error = String;

    fn try_from(list: Vec<Reach>) -> Result<Self, String> {
        if list.len() > MAX_SCENARIOS {
            return Err(format!(
                "{} rows: write at most {MAX_SCENARIOS}",
                list.len()
            ));
        }
        whole("the chances", list.iter().map(|r| r.chance))?;
        Ok(Self(list))
    }
}

impl From<Reaches> for Vec<Reach> {
    fn from(reaches: Reaches) -> Self {
        reaches.0
    }
}

impl Reaches {
    /// Each chance, in units of 10⁻⁸, with the share of users it hits; the
    /// chances sum to the whole. One region becomes a row per region.
    pub(crate) fn rows(&self, regions: &[RegionShare]) -> Vec<(u64, Percent)> {
        let mut rows = Vec::new();
        for reach in &self.0 {
            match reach.users {
                Users::Everyone => rows.push((reach.chance.units(), Percent::ONE)),
                Users::Share(share) => rows.push((reach.chance.units(), share)),
                Users::OneRegion => {
                    let n = regions.len() as u64;
                    for (i, region) in regions.iter().enumerate() {
                        // What does not divide goes to the first ones.
                        let more = u64::from((i as u64) < reach.chance.units() % n);
                        rows.push((reach.chance.units() / n + more, region.share));
                    }
                }
            }
        }
        rows
    }
}
