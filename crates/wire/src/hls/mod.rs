//! HLS playlists and segments (RFC 8216 and its second edition).
