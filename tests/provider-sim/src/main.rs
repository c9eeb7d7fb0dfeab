//! The simulator as a program of its own; the launcher runs the same library.

fn main() -> std::process::ExitCode {
    provider_sim::run(std::env::args_os())
}
