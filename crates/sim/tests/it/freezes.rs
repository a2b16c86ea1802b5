//! What the forwarding engine takes for a freeze, in virtual time.

use std::time::Duration;

use surecast_sim::client::Publish;
use surecast_sim::link::Profile;
use surecast_sim::source::Encoding;

use crate::core::{SERVER, Show};

const SECOND: Duration = Duration::from_secs(1);

/// A path across a town.
const GOOD: Profile = Profile {
    delay: Duration::from_millis(10),
    jitter: Duration::from_millis(5),
    loss: 0.0,
    reorder: 0.0,
    rate: 0,
    queue: 0,
};

/// A publisher and a viewer that have talked for four seconds.
fn show(seed: u64, publish: Vec<Publish>) -> Show {
    let mut show = Show::new(seed);
    for index in 0..2 {
        show.world.set_links(Show::address(index), SERVER, GOOD);
    }
    show.join(publish, false);
    show.run(Duration::from_millis(50));
    show.join(vec![], true);
    show.run(4 * SECOND);
    assert!(show.core.freezes.is_empty(), "{:?}", show.core.freezes);
    show
}

fn both() -> Vec<Publish> {
    vec![Publish::Audio, Publish::Video(Encoding::HD.to_vec())]
}

/// Both streams froze once, for about so long.
fn assert_frozen(show: &Show, least: Duration, most: Duration) {
    let freezes = &show.core.freezes;
    assert_eq!(freezes.len(), 2, "{freezes:?}");
    assert_ne!(freezes[0].track, freezes[1].track);
    for freeze in freezes {
        let lasted = freeze.until.unwrap() - freeze.since;
        assert!(least <= lasted && lasted <= most, "{lasted:?}");
    }
}

#[test]
fn a_publisher_whose_packets_are_lost_freezes_its_viewers() {
    let mut show = show(1, both());
    let path = (Show::address(0), SERVER);
    let lost = Profile { loss: 1.0, ..GOOD };
    show.world.set_link(path.0, path.1, lost);
    show.run(Duration::from_millis(2500));
    // Known before it ends, the more so as the audio might have been silent.
    assert_eq!(show.core.freezes.len(), 2);
    assert!(show.core.freezes.iter().all(|f| f.until.is_none()));
    show.world.set_link(path.0, path.1, GOOD);
    show.run(4 * SECOND);
    assert_frozen(&show, Duration::from_millis(2400), 4 * SECOND);
}

#[test]
fn a_network_that_stands_still_is_no_silence() {
    let mut show = show(2, both());
    let path = (Show::address(0), SERVER);
    let slow = Profile {
        delay: SECOND,
        ..GOOD
    };
    show.world.set_link(path.0, path.1, slow);
    show.run(4 * SECOND);
    assert_frozen(&show, Duration::from_millis(900), 2 * SECOND);
}

#[test]
fn a_mute_is_no_freeze() {
    let mut show = show(3, both());
    show.core.mute_all(true);
    show.run(3 * SECOND);
    show.core.mute_all(false);
    show.run(SECOND);
    assert!(show.core.freezes.is_empty(), "{:?}", show.core.freezes);
    assert_eq!(show.core.flows, 2, "each is told to flow again");
    // And it is watched again.
    let lost = Profile { loss: 1.0, ..GOOD };
    show.world.set_link(Show::address(0), SERVER, lost);
    show.run(3 * SECOND);
    assert_eq!(show.core.freezes.len(), 2);
}

#[test]
fn silence_that_is_not_sent_is_no_freeze() {
    let mut show = show(4, vec![Publish::Speech]);
    let path = (Show::address(0), SERVER);
    let poor = Profile {
        loss: 0.02,
        jitter: Duration::from_millis(40),
        ..GOOD
    };
    // Two turns of speech and silence.
    show.world.set_link(path.0, path.1, poor);
    show.run(20 * SECOND);
    assert!(show.core.freezes.is_empty(), "{:?}", show.core.freezes);
    let lost = Profile { loss: 1.0, ..GOOD };
    show.world.set_link(path.0, path.1, lost);
    show.run(3 * SECOND);
    assert_eq!(show.core.freezes.len(), 1);
}
