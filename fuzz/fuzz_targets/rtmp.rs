#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| surecast_sim::fuzz::run("rtmp", data));
