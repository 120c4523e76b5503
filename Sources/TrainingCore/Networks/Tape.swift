import CKernels
import Tensor

/// A tensor in a forward pass, and what has been gathered of the loss's gradient with respect to it.
package final class Node {
  package let value: FloatTensor
  package fileprivate(set) var gradient: FloatTensor?

  fileprivate init(_ value: FloatTensor) { self.value = value }

  /// Adds a contribution; a node that is used twice gets two.
  package func add(_ contribution: FloatTensor) {
    guard var sum = gradient else {
      gradient = contribution
      return
    }
    // Freed first, so that the sum is the only owner and is added to in place.
    gradient = nil
    let target = SharedPointer(sum.mutableBase())
    parallelForChunks(of: sum.count, grain: 1 << 14) { range in
      vqd_add(contribution.base + range.lowerBound, target + range.lowerBound, range.count)
    }
    keepAlive(contribution)
    gradient = sum
  }
}

/// A forward pass that can be gone through backwards: each operation leaves its pullback (reverse-mode differentiation).
///
/// For one pass on one thread; the operations themselves use all.
package final class Tape {
  private let parameters: ParameterSet
  /// How the layers compute.
  let options: ComputeOptions
  private var leaves: [String: Node] = [:]
  private var steps: [() -> Void] = []

  /// - Parameter parameters: those of the network, by name.
  package init(_ parameters: ParameterSet, options: ComputeOptions = ComputeOptions()) {
    (self.parameters, self.options) = (parameters, options)
  }

  /// A parameter, the same node each time.
  ///
  /// - Throws: `TrainingError.unknown`.
  package func parameter(_ name: String) throws(TrainingError) -> Node {
    if let leaf = leaves[name] { return leaf }
    guard let value = parameters[name] else { throw .unknown(what: "network's parameter", parameter: name) }
    let leaf = Node(value)
    leaves[name] = leaf
    return leaf
  }

  /// A tensor whose gradient nobody asks for.
  package func constant(_ value: FloatTensor) -> Node { Node(value) }

  /// An operation's value; `spread` hands its inputs' gradients on.
  package func record<Gradients>(
    _ operation: Differentiated<Gradients>, spread: @escaping (Gradients) -> Void
  ) -> Node {
    record(operation.value) { spread(operation.pullback($0)) }
  }

  /// A value computed otherwise; `spread` hands its inputs' gradients on.
  package func record(_ value: FloatTensor, spread: @escaping (FloatTensor) -> Void) -> Node {
    let node = Node(value)
    steps.append {
      guard let gradient = node.gradient else { return }
      node.gradient = nil
      spread(gradient)
    }
    return node
  }

  /// a + b, of one shape.
  package func sum(_ a: Node, _ b: Node) -> Node {
    let (x, y) = (a.value, b.value)
    let value = FloatTensor(uninitialized: x.shape) { sum in
      parallelForChunks(of: x.count, grain: 1 << 14) { [sum = SharedPointer(sum)] range in
        let target = sum + range.lowerBound
        target.update(from: x.base + range.lowerBound, count: range.count)
        vqd_add(y.base + range.lowerBound, target, range.count)
      }
    }
    keepAlive(x, y)
    return record(value) { gradient in
      a.add(gradient)
      b.add(gradient)
    }
  }

  /// The same elements in another shape.
  package func reshaped(_ x: Node, _ shape: [Int]) -> Node {
    record(x.value.reshaped(shape)) { x.add($0.reshaped(x.value.shape)) }
  }

  /// The gradients of all parameters, those that took no part being zero, in the order of the parameters.
  ///
  /// The tape is used up: what it kept is freed on the way.
  ///
  /// - Parameters:
  ///   - node: what the loss is a function of.
  ///   - gradient: of the loss with respect to it.
  /// - Throws: `TrainingError` never for gradients of a tape's own parameters.
  package func gradients(from node: Node, _ gradient: FloatTensor) throws(TrainingError) -> ParameterSet {
    node.add(gradient)
    while let step = steps.popLast() { step() }
    var gradients = ParameterSet(zerosLike: parameters)
    for (name, leaf) in leaves {
      if let gradient = leaf.gradient { try gradients.replace(name, with: gradient.reshaped(leaf.value.shape)) }
    }
    return gradients
  }
}
