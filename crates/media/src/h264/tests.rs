use proptest::prelude::*;

use super::*;

fn kinds(payload: &[u8]) -> Vec<u8> {
    units(payload).map(|unit| unit.kind).collect()
}

#[test]
fn single_units() {
    assert_eq!(kinds(&[0x65, 0x88]), [NAL_IDR]);
    assert!(is_keyframe(&[0x65, 0x88]));
    assert!(is_keyframe(&[0x67, 0x42]));
    assert!(!is_keyframe(&[0x41, 0x9a]));
    assert!(!is_keyframe(&[0x68, 0x9a]), "a PPS alone starts nothing");
}

#[test]
fn aggregates() {
    let payload = [0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce, 0, 1, 0x65];
    assert_eq!(kinds(&payload), [NAL_SPS, NAL_PPS, NAL_IDR]);
    assert!(is_keyframe(&payload));
    assert_eq!(
        kinds(&[0x78, 0, 9, 0x67]),
        [] as [u8; 0],
        "length past the end"
    );
    assert_eq!(kinds(&[0x78, 0, 1, 0x78]), [] as [u8; 0], "no nesting");
}

#[test]
fn fragments() {
    assert!(is_keyframe(&[0x7c, 0x85, 0x88]));
    assert!(!is_keyframe(&[0x7c, 0x05, 0x88]), "middle");
    assert!(!is_keyframe(&[0x7c, 0x45, 0x88]), "end");
    assert!(!is_keyframe(&[0x7c, 0x81, 0x88]), "not IDR");
}

#[test]
fn units_are_bounded() {
    let mut payload = vec![0x78];
    for _ in 0..1000 {
        payload.extend([0, 1, 0x41]);
    }
    assert_eq!(units(&payload).count(), MAX_UNITS);
}

proptest! {
    #[test]
    fn any_bytes(payload: Vec<u8>) {
        prop_assert!(units(&payload).count() <= MAX_UNITS);
        let _ = is_keyframe(&payload);
    }

    #[test]
    fn aggregates_round_trip(
        inner in prop::collection::vec((1u8..24, prop::collection::vec(any::<u8>(), 0..40)), 0..8),
    ) {
        let mut payload = vec![0x78];
        for (kind, data) in &inner {
            payload.extend(u16::try_from(data.len() + 1).unwrap().to_be_bytes());
            payload.push(0x60 | kind);
            payload.extend(data);
        }
        let seen: Vec<_> = units(&payload).map(|u| (u.kind, u.data.to_vec())).collect();
        prop_assert_eq!(seen, inner);
    }
}

#[test]
fn recovery_points_are_keyframes() {
    let recovery = [0x06, 0x05, 1, 0xaa, 0x06, 1, 0x80, 0x80];
    assert!(access_unit([&recovery[..], &[0x41, 0x9a]].into_iter()).keyframe);
    let later = [0x06, 0x06, 1, 0x40, 0x80];
    assert!(!access_unit([&later[..], &[0x41, 0x9a]].into_iter()).keyframe);
}

#[test]
fn parameter_sets_and_delimiters_leave_the_frame() {
    let unit = access_unit([&[0x09, 0xf0][..], &[0x67, 1], &[0x68, 2], &[0x65, 3]].into_iter());
    assert_eq!(unit.data[..], [0, 0, 0, 2, 0x65, 3]);
    assert_eq!((unit.sps.len(), unit.pps.len()), (1, 1));
}

proptest! {
    #[test]
    fn any_bytes_beyond_rtp(mut bytes: Vec<u8>) {
        let _ = access_unit(crate::nal::annex_b(&bytes));
        let _ = Sps::id(&bytes);
        let _ = is_b_slice(&bytes);
        if let Some(format) = format_from_config(bytes.clone().into()) {
            let _ = format.codec_string();
        }
        bytes.insert(0, 0x67);
        if let Some(format) = format(&[&bytes], &[&[0x68]]) {
            prop_assert_eq!(format_from_config(format.config.clone()), Some(format));
        }
        // A profile with chroma tables.
        bytes.splice(1..1, [0x64, 0, 0x28]);
        let _ = Sps::parse(&bytes);
    }
}
