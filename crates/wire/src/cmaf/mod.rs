//! CMAF and fragmented MP4 (ISO/IEC 23000-19, 14496-12).
