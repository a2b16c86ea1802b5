//! Selective forwarding.
pub mod dtls;
pub mod sdp;
pub mod rewrite;
pub mod clock;
