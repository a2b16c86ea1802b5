//! Whatever clients and the engine say in whatever order: no panic, and the
//! invariants hold.

use proptest::prelude::*;

use super::model::{Model, Step};
use crate::proto;
use crate::proto::signal_request::Message as Ask;

fn step() -> impl Strategy<Value = Step> {
    let b = any::<u8>;
    prop_oneof![
        3 => (b(), any::<bool>(), b(), any::<bool>())
            .prop_map(|(who, v0, flags, resume)| Step::Join { who, v0, flags, resume }),
        8 => (b(), b(), b()).prop_map(|(who, what, arg)| Step::Ask { who, what, arg }),
        8 => (b(), b(), b()).prop_map(|(what, which, track)| Step::Media { what, which, track }),
        1 => b().prop_map(|who| Step::Close { who }),
        2 => (0u32..40_000).prop_map(|ms| Step::Wait { ms }),
        2 => (b(), b(), b()).prop_map(|(what, who, arg)| Step::Service { what, who, arg }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_anything(steps in proptest::collection::vec(step(), 1..120)) {
        let mut model = Model::new();
        for step in &steps {
            model.run(step);
        }
        // When everybody has left and time has passed, nothing is left.
        for (session, _) in model.sessions.clone() {
            let leave = proto::SignalRequest { message: Some(Ask::Leave(proto::LeaveRequest::default())) };
            model.rooms.handle_signal(session, leave, model.now);
            model.drain();
        }
        for _ in 0..4 {
            model.run(&Step::Wait { ms: 600_000 });
        }
        prop_assert_eq!(model.rooms.census(), crate::Census::default());
        prop_assert!(model.peers.is_empty());
        prop_assert!(model.sessions.is_empty());
        prop_assert_eq!(model.rooms.poll_timeout(), None);
        prop_assert!(model.rooms.is_pristine());
    }

    #[test]
    fn any_protobuf_request(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz_candidate(&bytes);
        crate::fuzz_data_packet(&bytes);
        crate::fuzz_data_track_packet(&bytes);
        if let Ok(request) = crate::signal::decode(&bytes) {
            let mut model = Model::new();
            model.run(&Step::Join { who: 0, v0: false, flags: 0, resume: false });
            let session = model.sessions[0].0;
            model.rooms.handle_signal(session, request, model.now);
            model.drain();
        }
    }
}
