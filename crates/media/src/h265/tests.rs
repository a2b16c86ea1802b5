use proptest::prelude::*;

use super::*;

const fn header(kind: u8) -> [u8; 2] {
    [kind << 1, 1]
}

#[test]
fn single_units() {
    assert!(is_keyframe(&header(19)), "IDR_W_RADL");
    assert!(is_keyframe(&header(21)), "CRA");
    assert!(is_keyframe(&header(NAL_VPS)));
    assert!(!is_keyframe(&header(1)), "TRAIL_R");
    assert!(!is_keyframe(&header(NAL_PPS)));
    assert!(!is_keyframe(&[19 << 1]), "cut header");
}

#[test]
fn aggregates() {
    let [h0, h1] = header(AGGREGATION);
    let [v0, v1] = header(NAL_VPS);
    let [s0, s1] = header(NAL_SPS);
    let payload = [h0, h1, 0, 3, v0, v1, 0xaa, 0, 2, s0, s1];
    let kinds: Vec<_> = unit_types(&payload).collect();
    assert_eq!(kinds, [NAL_VPS, NAL_SPS]);
    assert!(!is_keyframe(&[h0, h1, 0, 9, v0, v1]), "length past the end");
}

#[test]
fn fragments() {
    let [h0, h1] = header(FRAGMENTATION);
    assert!(is_keyframe(&[h0, h1, 0x80 | 19]));
    assert!(!is_keyframe(&[h0, h1, 19]), "middle");
    assert!(!is_keyframe(&[h0, h1, 0x80 | 1]));
}

proptest! {
    #[test]
    fn any_bytes(payload: Vec<u8>) {
        prop_assert!(unit_types(&payload).count() <= MAX_UNITS);
        let _ = is_keyframe(&payload);
    }
}

proptest! {
    #[test]
    fn any_bytes_beyond_rtp(mut bytes: Vec<u8>) {
        let _ = access_unit(crate::nal::annex_b(&bytes));
        if let Some(format) = format_from_config(bytes.clone().into()) {
            let _ = format.codec_string();
        }
        bytes.splice(0..0, [0x42, 1]);
        if let Some(format) = format(&[&[0x40, 1]], &[&bytes], &[&[0x44, 1]]) {
            prop_assert_eq!(format_from_config(format.config.clone()), Some(format));
        }
    }
}
