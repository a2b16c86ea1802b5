//! RTMP, with Enhanced RTMP v2.
