use proptest::prelude::*;

use super::*;

#[test]
fn non_flexible_key_picture_with_structure() {
    let payload = [
        0b1010_1010, // I L B V
        0x80,
        0x05,        // picture id, 15 bit
        0b0101_0000, // tid 2, U
        0x09,        // tl0picidx
        0b0011_1000, // N_S 1, Y, G
        0x01,
        0x40,
        0x00,
        0xb4,
        0x02,
        0x80,
        0x01,
        0x68,        // 320x180, 640x360
        0x02,        // two pictures in the group
        0b0000_0000, // no reference
        0b0010_1000,
        0x01,
        0x02, // two references
        0xaa, // VP9
    ];
    let (descriptor, len) = Descriptor::parse(&payload).unwrap();
    assert_eq!(len, payload.len() - 1);
    assert_eq!(descriptor.picture_id, Some(PictureId::Long(5)));
    assert_eq!((descriptor.tid(), descriptor.sid()), (2, 0));
    assert_eq!(descriptor.tl0_pic_idx, Some(9));
    let scalability = descriptor.scalability.unwrap();
    assert_eq!(scalability.spatial_layers, 2);
    assert_eq!(scalability.sizes[1], Some((640, 360)));
    assert_eq!(scalability.sizes[2], None);
    assert_eq!(scalability.group_len, 2);
    assert!(is_keyframe(&payload));
}

#[test]
fn flexible_mode_names_references_and_has_no_tl0() {
    let payload = [0b0111_1000, 0b0000_0010, 0x03, 0x04, 0xaa];
    let (descriptor, len) = Descriptor::parse(&payload).unwrap();
    assert_eq!(len, 4);
    assert_eq!(descriptor.references, [Some(1), Some(2), None]);
    assert_eq!(descriptor.sid(), 1);
    assert_eq!(descriptor.tl0_pic_idx, None);
    assert!(!descriptor.is_keyframe());
}

#[test]
fn higher_spatial_layers_begin_no_key_picture() {
    assert!(!is_keyframe(&[0b0010_1000, 0b0000_0011, 0x00, 0xaa]));
    assert!(is_keyframe(&[0b0010_1000, 0b0000_0000, 0x00, 0xaa]));
}

#[test]
fn four_references_are_refused() {
    assert_eq!(Descriptor::parse(&[0x50, 0x03, 0x03, 0x03, 0x02]), None);
}

proptest! {
    #[test]
    fn any_bytes(payload: Vec<u8>) {
        if let Some((_, len)) = Descriptor::parse(&payload) {
            prop_assert!(0 < len && len <= payload.len());
        }
        let _ = is_keyframe(&payload);
    }
}

proptest! {
    #[test]
    fn any_frame(bytes: Vec<u8>) {
        let _ = is_key_frame(&bytes);
        let _ = Header::parse(&bytes);
        if let Some(format) = format_from_keyframe(&bytes) {
            prop_assert!(format.codec_string().starts_with("vp09."));
        }
        prop_assert!(superframe(&bytes).count() <= 8);
    }

    #[test]
    fn superframes_round_trip(
        frames in prop::collection::vec(prop::collection::vec(0u8..0xc0, 1..400), 1..=8),
    ) {
        let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let joined = join_superframe(&slices);
        let again: Vec<&[u8]> = superframe(&joined).collect();
        prop_assert_eq!(again, slices);
    }
}
