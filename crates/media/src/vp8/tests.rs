use proptest::prelude::*;

use super::*;

fn descriptor() -> impl Strategy<Value = Descriptor> {
    let picture_id = prop::option::of(prop_oneof![
        (0u8..0x80).prop_map(PictureId::Short),
        (0u16..0x8000).prop_map(PictureId::Long),
    ]);
    let temporal = prop::option::of(
        (0u8..4, any::<bool>()).prop_map(|(tid, layer_sync)| Temporal { tid, layer_sync }),
    );
    let key_idx = prop::option::of(0u8..32);
    (
        any::<[bool; 2]>(),
        0u8..8,
        picture_id,
        any::<Option<u8>>(),
        temporal,
        key_idx,
    )
        .prop_map(
            |(flags, partition, picture_id, tl0_pic_idx, temporal, key_idx)| Descriptor {
                non_reference: flags[0],
                start_of_partition: flags[1],
                partition,
                picture_id,
                tl0_pic_idx,
                temporal,
                key_idx,
            },
        )
}

#[test]
fn everything_present() {
    let payload = [
        0x90, 0xf0, 0x81, 0x02, 0x07, 0x65, // descriptor
        0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x45, 0xd0, 0x02, // key frame header
    ];
    let packet = parse(&payload).unwrap();
    assert_eq!(packet.descriptor.picture_id, Some(PictureId::Long(0x0102)));
    assert_eq!(packet.descriptor.tl0_pic_idx, Some(7));
    assert_eq!(
        packet.descriptor.temporal,
        Some(Temporal {
            tid: 1,
            layer_sync: true
        })
    );
    assert_eq!(packet.descriptor.key_idx, Some(5));
    assert!(packet.is_keyframe);
    assert_eq!(packet.size, Some((1280, 720)));
}

#[test]
fn delta_frames_and_continuations_are_no_key_frames() {
    assert!(!is_keyframe(&[0x10, 0x01]), "P bit set");
    assert!(!is_keyframe(&[0x00, 0x00]), "not the start");
    assert!(!is_keyframe(&[0x11, 0x00]), "second partition");
    assert!(is_keyframe(&[0x10, 0x00]));
}

#[test]
fn truncated_within_the_descriptor() {
    for payload in [
        &[][..],
        &[0x80],
        &[0x80, 0x80],
        &[0x80, 0x80, 0x80],
        &[0x80, 0x40],
    ] {
        assert_eq!(parse(payload), None, "{payload:x?}");
    }
}

proptest! {
    #[test]
    fn any_bytes(payload: Vec<u8>) {
        if let Some(packet) = parse(&payload) {
            prop_assert!(packet.data.len() < payload.len());
        }
    }

    #[test]
    fn round_trip(descriptor in descriptor(), tail: Vec<u8>) {
        let mut bytes = Vec::new();
        descriptor.write(&mut bytes);
        let len = bytes.len();
        bytes.extend(&tail);
        prop_assert_eq!(Descriptor::parse(&bytes), Some((descriptor, len)));
    }
}

proptest! {
    #[test]
    fn any_frame(bytes: Vec<u8>) {
        let _ = is_key_frame(&bytes);
        if let Some(format) = format_from_keyframe(&bytes) {
            prop_assert!(format.codec_string().starts_with("vp08."));
        }
    }
}
