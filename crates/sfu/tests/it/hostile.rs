//! What no client sends, and what it must not do to others.

use std::net::SocketAddr;

use proptest::prelude::*;
use surecast_media::control::{MediaCommand, MediaEvent, PeerRole};
use surecast_sfu::{Datagram, Protocol};

use crate::net::{Net, ROOM};

fn offer(text: String) -> Vec<MediaEvent> {
    let mut net = Net::new();
    let peer = surecast_media::id::PeerId(1);
    net.sfu.handle_command(
        MediaCommand::AddPeer {
            peer,
            room: ROOM,
            role: PeerRole::Single,
        },
        net.now,
    );
    let command = MediaCommand::Offer {
        peer,
        sdp: text,
        id: 9,
    };
    net.sfu.handle_command(command, net.now);
    net.sfu.flush(net.now);
    std::iter::from_fn(|| net.sfu.poll_event()).collect()
}

#[test]
fn a_description_that_is_none_is_refused_with_a_reason() {
    for text in [
        "",
        "v=0",
        "hello",
        "m=audio 9 x y",
        &"m=audio\r\n".repeat(10_000),
    ] {
        let events = offer(text.to_owned());
        let refused = |e: &MediaEvent| matches!(e, MediaEvent::NegotiationFailed { id: 9, reason, .. } if !reason.is_empty());
        assert!(events.iter().any(refused), "{text:.20}: {events:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_datagram_is_survived(packets in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..300), 0..20)) {
        let mut net = Net::new();
        net.join(PeerRole::Single);
        for contents in &packets {
            let datagram = Datagram {
                proto: Protocol::Udp,
                source: SocketAddr::from(([10, 9, 9, 9], 5)),
                destination: SocketAddr::from(([10, 0, 0, 1], 7882)),
                contents,
            };
            net.sfu.handle_datagram(datagram, net.now);
        }
        net.sfu.flush(net.now);
        prop_assert_eq!(net.sfu.counters().unknown, packets.len() as u64);
    }
}
