//! The program as its users see it: processes, sockets, files.

mod cli;
mod console;
mod contract;
mod evidence;
mod faults;
mod guarantee;
mod guarantee_api;
mod harness;
mod offers;
mod postgres;
mod probe;
mod process;
mod receipts;
mod settle;
mod settler;
mod signal;
mod sink;
mod store;
mod tls;
mod twirp;
mod webhook;
mod wish;
