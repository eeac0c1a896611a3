//! The program: parse, dispatch, exit code. All of it is in the library.

fn main() -> std::process::ExitCode {
    kycmart::cli::main()
}
