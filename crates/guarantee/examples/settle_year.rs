//! How long a year takes: 5 modules × 5 regions × all minutes, 13.1 million
//! rollups, evaluated on one core.
//!
//! ```sh
//! cargo run --release -p surecast-guarantee --example settle_year
//! ```

#![allow(clippy::print_stdout, reason = "it prints what it measured")]
#![allow(
    clippy::disallowed_methods,
    reason = "it measures time, the crate does not"
)]

use std::time::Instant;

use surecast_guarantee::coverage::{Coverage, Method, Window};
use surecast_guarantee::method::evaluate;
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::ratio::Percent;
use surecast_guarantee::rollup::{Counts, Minute, Rollup, RollupTable, Source};

/// 2026-01-01T00:00Z to 2027-01-01T00:00Z.
const YEAR: (u32, u32) = (29_453_760, 29_979_360);
const MODULES: [Module; 5] = [
    Module::Join,
    Module::Signalling,
    Module::Media,
    Module::Messaging,
    Module::Playback,
];
const REGIONS: [&str; 5] = ["eu-west", "us-east", "ap-south", "cn-north", "sa-east"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut table = RollupTable::new();
    let mut leaf = 0;
    let source = Source::Server("a".to_owned());
    for minute in (YEAR.0..YEAR.1).map(Minute) {
        for module in MODULES {
            for region in REGIONS {
                let counts = counts(minute);
                let rollup = Rollup::new(minute, module, region.parse()?, source.clone(), counts)?;
                table.import(&rollup, Some(leaf))?;
                leaf += 1;
            }
        }
    }
    println!("{leaf} rollups imported in {:.2?}", start.elapsed());
    for (name, method) in methods()? {
        settle(name, method, &table)?;
    }
    Ok(())
}

/// Some load, an idle minute now and then, a bad one, and one that is missing.
fn counts(minute: Minute) -> Counts {
    let sessions = 40 + u64::from(minute.0 % 1440);
    let down_ms = match minute.0 % 10_007 {
        0..3 => sessions * 60_000,
        _ => u64::from(minute.0 % 97) * 10,
    };
    if minute.0.is_multiple_of(1009) {
        return Counts::default();
    }
    Counts {
        up_ms: sessions * 60_000 - down_ms,
        down_ms,
        good: sessions - sessions.min(down_ms / 60_000),
        bad: sessions.min(down_ms / 60_000),
    }
}

fn methods() -> Result<[(&'static str, Method); 4], String> {
    let good_from: Percent = "95%".parse()?;
    let slices = Method::Timeslices {
        slice_minutes: 5,
        good_from,
    };
    Ok([
        ("session-seconds", Method::SessionSeconds),
        ("timeslices", slices),
        (
            "ratio-timeslices",
            Method::RatioTimeslices { slice_minutes: 5 },
        ),
        ("occurrences", Method::Occurrences),
    ])
}

fn settle(
    name: &str,
    method: Method,
    table: &RollupTable,
) -> Result<(), Box<dyn std::error::Error>> {
    let period = Minute::span(Minute(YEAR.0), Minute(YEAR.1));
    let start = Instant::now();
    let mut bad = 0;
    for module in MODULES {
        for region in REGIONS {
            let region: Region = region.parse()?;
            let coverage = Coverage {
                module,
                region,
                method,
                guard_good_from: None,
                window: Window::Period,
                floor: 30,
                target: "99.95%".parse()?,
                fee_share: "4%".parse()?,
                critical: true,
            };
            bad += evaluate(&coverage, table, period, &[])?.tally.bad;
        }
    }
    println!(
        "{name}: 25 lines of a year in {:.2?}, {bad} bad slices",
        start.elapsed()
    );
    Ok(())
}
