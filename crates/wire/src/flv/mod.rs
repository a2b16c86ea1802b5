//! FLV tags, with Enhanced RTMP v2.
