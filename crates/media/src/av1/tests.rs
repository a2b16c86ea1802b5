use proptest::prelude::*;

use super::*;

#[test]
fn new_sequence_is_a_key_frame() {
    assert!(is_keyframe(&[0x18, 0x30, 0xaa]), "W 1, N");
    assert!(is_keyframe(&[0x28, 0x01, 0x08, 0x32, 0x00]), "W 2, N");
    assert!(!is_keyframe(&[0x98, 0x30, 0xaa]), "continuation");
    assert!(!is_keyframe(&[0x10, 0x30, 0xaa]), "frame OBU alone");
    assert!(!is_keyframe(&[0x08]), "nothing inside");
}

#[test]
fn sequence_header_is_one_too() {
    assert!(is_keyframe(&[0x10, 0x0a, 0xaa]));
    assert!(is_keyframe(&[0x00, 0x01, 0x0a]), "W 0, length 1");
    assert!(!is_keyframe(&[0x00, 0x05, 0x0a]), "length past the end");
}

#[test]
fn endless_length_is_refused() {
    assert!(!is_keyframe(&[
        0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x0a
    ]));
}

#[test]
fn dependency_descriptor() {
    let parsed = DependencyDescriptor::parse(&[0x85, 0x01, 0x02, 0x80]).unwrap();
    assert_eq!(
        parsed,
        DependencyDescriptor {
            start_of_frame: true,
            end_of_frame: false,
            template_id: 5,
            frame_number: 0x0102,
            structure: true,
        }
    );
    assert!(
        !DependencyDescriptor::parse(&[0x85, 0x01, 0x02])
            .unwrap()
            .structure
    );
    assert_eq!(DependencyDescriptor::parse(&[0x85, 0x01]), None);
}

proptest! {
    #[test]
    fn any_bytes(payload: Vec<u8>) {
        let _ = is_keyframe(&payload);
        let _ = DependencyDescriptor::parse(&payload);
    }
}

#[test]
fn obus_with_and_without_sizes() {
    let data = [
        0x12, 0x00, 0x0a, 0x01, 0xaa, 0x36, 0x28, 0x02, 1, 2, 0x30, 7,
    ];
    let seen: Vec<_> = obus(&data)
        .map(|obu| (obu.kind, obu.layer, obu.payload))
        .collect();
    assert_eq!(
        seen,
        [
            (2, None, &[][..]),
            (1, None, &[0xaa]),
            (6, Some((1, 1)), &[1, 2]),
            (6, None, &[7])
        ]
    );
    assert_eq!(
        temporal_unit(obus(&data))[..],
        [0x0a, 1, 0xaa, 0x36, 0x28, 2, 1, 2, 0x32, 1, 7]
    );
}

proptest! {
    #[test]
    fn any_obus(data: Vec<u8>) {
        let frame = temporal_unit(obus(&data));
        prop_assert_eq!(temporal_unit(obus(&frame)), frame);
        let _ = is_key_temporal_unit(&data);
        let _ = SequenceHeader::parse(&data);
        let _ = format_from_sequence_header(&data);
        if let Some(format) = format_from_config(data.into()) {
            prop_assert!(format.codec_string().starts_with("av01."));
        }
    }

    #[test]
    fn leb128_round_trips(value in 0usize..1 << 56) {
        let mut out = bytes::BytesMut::new();
        obu::put_leb128(&mut out, value);
        prop_assert_eq!(leb128(&mut Reader::new(&out)), u64::try_from(value).ok());
    }
}
