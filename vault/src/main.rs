//! `keyway-vault`.

fn main() -> std::process::ExitCode {
    keyway_vault::run(std::env::args_os())
}
