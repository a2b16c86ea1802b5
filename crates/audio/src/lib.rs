//! AAC and Opus into each other.
