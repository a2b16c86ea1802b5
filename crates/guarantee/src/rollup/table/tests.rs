use proptest::prelude::*;

use super::*;
use crate::rollup::line::tests::rollup;

type Dump = Vec<(Module, Region, Source, Minute, Cell)>;

/// All that a table says.
fn dump(table: &RollupTable) -> (Dump, Vec<Contradiction>) {
    let mut all = Vec::new();
    for (module, regions) in &table.columns {
        for (region, sources) in regions {
            for (source, column) in sources {
                for (day, page) in &column.pages {
                    for minute in page.said() {
                        let cell = page.get(minute).expect("said");
                        let minute = Minute(day * DAY + minute);
                        all.push((*module, region.clone(), source.clone(), minute, cell));
                    }
                }
            }
        }
    }
    (all, table.contradictions().cloned().collect())
}

fn table(rollups: &[(Rollup, Option<u64>)]) -> RollupTable {
    let mut table = RollupTable::new();
    for (rollup, leaf) in rollups {
        table.import(rollup, *leaf).expect("imported");
    }
    table
}

proptest! {
    // Each case allocates some pages.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_and_copies_change_nothing(
        rollups in prop::collection::vec((rollup(1438..1442), prop::option::of(0..9_u64)), 0..40),
        order in any::<u64>(),
    ) {
        let expected = dump(&table(&rollups));
        let mut other = rollups.clone();
        other.extend(rollups.iter().cloned());
        let len = other.len().max(1);
        for i in 0..other.len() {
            let j = (order.rotate_left(i as u32 % 64) as usize) % len;
            other.swap(i, j);
        }
        prop_assert_eq!(dump(&table(&other)), expected);
    }

    #[test]
    fn what_is_imported_is_found(rollup in rollup(0..Minute::MAX.0), leaf in prop::option::of(0..9_u64)) {
        let table = table(&[(rollup.clone(), leaf)]);
        let cell = table.get(rollup.module, &rollup.region, &rollup.source, rollup.minute);
        let expected = Cell { state: rollup.state, counts: rollup.counts(), leaf };
        prop_assert_eq!(cell, Some(expected));
    }
}

fn line(text: &str) -> Rollup {
    text.parse().expect(text)
}

#[test]
fn of_two_that_contradict_the_worse_is_kept() {
    let head = "rollup 2026-09-01T00:00Z media eu-west server:a";
    // From bad to good.
    let order = [
        "no_data",
        "measured up=0 down=2 good=0 bad=0",
        "measured up=5 down=1 good=1 bad=1",
        "measured up=5 down=1 good=1 bad=0",
        "idle",
        "measured up=4 down=0 good=1 bad=0",
        "measured up=5 down=0 good=1 bad=0",
    ];
    for (i, worse) in order.iter().enumerate() {
        for better in &order[i + 1..] {
            for pair in [[worse, better], [better, worse]] {
                let [first, second] = pair.map(|state| line(&format!("{head} {state}")));
                let mut table = RollupTable::new();
                assert_eq!(table.import(&first, None), Ok(Imported::New));
                assert_eq!(table.import(&first, None), Ok(Imported::Duplicate));
                assert_eq!(table.import(&second, None), Ok(Imported::Contradiction));
                let kept = line(&format!("{head} {worse}"));
                let cell = table.get(kept.module, &kept.region, &kept.source, kept.minute);
                assert_eq!(
                    cell.map(|c| (c.state, c.counts)),
                    Some((kept.state, kept.counts()))
                );
                assert_eq!(table.contradictions().count(), 1);
            }
        }
    }
}

#[test]
fn gaps_are_what_nobody_spoke_of() {
    let at = |minute: &str, state: &str| {
        line(&format!(
            "rollup 2026-09-01T{minute}Z media eu-west server:a {state}"
        ))
    };
    let measured = "measured up=1 down=0 good=1 bad=0";
    let rollups = [
        at("00:01", measured),
        at("00:02", "no_data"),
        at("00:04", "idle"),
    ];
    let table = table(&rollups.map(|r| (r, None)));
    let region: Region = "eu-west".parse().expect("a region");
    let start = line("rollup 2026-09-01T00:00Z media eu-west server:a idle").minute;
    let from = |minute: u32| Minute(start.0 + minute);
    let source = Source::Server("a".to_owned());
    let gaps = table.gaps(Module::Media, &region, &source, start, from(7));
    assert_eq!(
        gaps,
        [(from(0), from(1)), (from(2), from(4)), (from(5), from(7))]
    );
    let other = Source::Server("b".to_owned());
    let gaps = table.gaps(Module::Media, &region, &other, start, from(7));
    assert_eq!(gaps, [(start, from(7))]);
}

#[test]
fn a_full_table_says_so_and_still_takes_known_days() {
    let mut table = RollupTable::with_max_pages(1);
    let first = line("rollup 2026-09-01T00:00Z media eu-west server:a idle");
    let same_day = line("rollup 2026-09-01T23:59Z media eu-west server:a idle");
    let next_day = line("rollup 2026-09-02T00:00Z media eu-west server:a idle");
    assert_eq!(table.import(&first, None), Ok(Imported::New));
    assert_eq!(table.import(&next_day, None), Err(ImportError::Full(1)));
    assert_eq!(table.import(&same_day, None), Ok(Imported::New));
}
