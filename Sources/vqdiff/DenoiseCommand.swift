import ArgumentParser

struct Denoise: ParsableCommand { func run() throws {} }
