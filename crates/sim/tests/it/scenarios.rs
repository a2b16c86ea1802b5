//! Scenarios of the whole server in virtual time. A seed that fails becomes a
//! test of its own.

use std::time::Duration;

use surecast_media::control::Kind;
use surecast_sim::client::Publish;
use surecast_sim::link::Profile;
use surecast_sim::source::Encoding;

use crate::core::{SERVER, Show};

fn host() -> Vec<Publish> {
    vec![Publish::Audio, Publish::Video(Encoding::HD.to_vec())]
}

/// A path across a country.
const FAIR: Profile = Profile {
    delay: Duration::from_millis(20),
    jitter: Duration::from_millis(5),
    loss: 0.01,
    reorder: 0.001,
    rate: 0,
    queue: 0,
};

/// Somebody on a train.
const POOR: Profile = Profile {
    delay: Duration::from_millis(80),
    jitter: Duration::from_millis(40),
    loss: 0.10,
    reorder: 0.01,
    rate: 1_000_000,
    queue: 100_000,
};

fn show_with(seed: u64, publishers: usize, paths: &[Profile]) -> Show {
    let mut show = Show::new(seed);
    for index in 0..publishers {
        show.world.set_links(Show::address(index), SERVER, FAIR);
        show.join(host(), false);
        show.run(Duration::from_millis(50));
    }
    for path in paths {
        let index = show.clients.len();
        show.world.set_links(Show::address(index), SERVER, *path);
        show.join(vec![], true);
        show.run(Duration::from_millis(50));
    }
    show
}

fn check_viewer(show: &Show, index: usize, publishers: u64) {
    let client = &show.clients[index];
    assert!(client.faults().is_empty(), "{index}: {:?}", client.faults());
    let milestones = client.milestones();
    let joined = milestones.connected.unwrap() - milestones.started.unwrap();
    assert!(joined < Duration::from_millis(500), "{index}: {joined:?}");
    for kind in [Kind::Audio, Kind::Video] {
        let totals = client.received(kind);
        assert_eq!(totals.streams, publishers, "{index} {kind:?}");
    }
    let video = client.received(Kind::Video);
    assert!(video.packets_received > 500 * publishers, "{video:?}");
    assert!(
        video.packets_lost * 500 < video.packets_expected,
        "{video:?}"
    );
    assert!(video.packets_recovered > 0, "{video:?}");
}

#[test]
fn a_show_over_fair_paths() {
    let mut show = show_with(1, 2, &[FAIR; 4]);
    show.run(Duration::from_secs(8));
    for index in 2..6 {
        check_viewer(&show, index, 2);
        let latency = show.clients[index].latency().video.quantile(0.5).unwrap();
        assert!(latency < Duration::from_millis(80), "{latency:?}");
    }
}

#[test]
fn a_poor_path_hurts_nobody_else() {
    let mut show = show_with(2, 1, &[FAIR, POOR, FAIR]);
    show.run(Duration::from_secs(16));
    check_viewer(&show, 1, 1);
    check_viewer(&show, 3, 1);
    // A handshake that loses a flight waits a second, then two, then four.
    let received = |show: &Show| show.clients[2].received(Kind::Video).packets_received;
    for _ in 0..20 {
        if received(&show) == 0 {
            show.run(Duration::from_secs(1));
        }
    }
    assert!(received(&show) > 0, "{:?}", show.clients[2].milestones());
}

#[test]
fn somebody_who_leaves_is_missed_by_nobody() {
    let mut show = show_with(3, 1, &[FAIR, FAIR]);
    show.run(Duration::from_secs(2));
    show.leave(1);
    show.run(Duration::from_secs(6));
    check_viewer(&show, 2, 1);
}
