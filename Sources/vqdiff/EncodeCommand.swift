import ArgumentParser

struct Encode: ParsableCommand { func run() throws {} }
