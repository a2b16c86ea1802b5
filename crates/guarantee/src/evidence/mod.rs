//! The log that proves what was measured: its tree, its files, its checkpoints,
//! and how they are checked.
//!
//! The log is a directory of plain files that any web server can serve
//! ([C2SP tlog-tiles](https://c2sp.org/tlog-tiles)). It proves that nothing was
//! changed or left out afterwards; it does not prove that what went in was
//! true.

pub mod appender;
pub mod audit;
pub mod bundle;
pub mod checkpoint;
pub mod files;
pub mod hash;
pub mod key;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod replay;
pub mod tile;
pub mod tree;

pub use appender::Appender;
pub use audit::{Audit, Fault};
pub use checkpoint::Checkpoint;
pub use files::Files;
pub use hash::Hash;
pub use key::{Algorithm, SigningKey, VerifyingKey};
pub use leaf::{Kind, Leaf};
pub use note::Note;
pub use replay::Replay;
pub use tile::Tile;
