extension Gradient {
  /// Rows of a table: y_n = table[indices_n]. The pullback adds up, in their order, the gradients of rows taken more than once.
  ///
  /// - Parameter table: [K, D]; y is [N, D].
  package static func embedding(_ table: FloatTensor, indices: [Int32]) -> Differentiated<FloatTensor> {
    let (shape, width) = (table.shape, table.shape[1])
    return Differentiated(table.rows(indices.map(Int.init))) { dy in
      var gradient = FloatTensor(zeros: shape)
      let target = SharedPointer(gradient.mutableBase())
      defer { keepAlive(dy, gradient) }
      // By columns: different rows of dy may go to the same row of the table.
      parallelForChunks(of: width, grain: 64) { columns in
        for (row, index) in indices.enumerated() {
          let (from, to) = (dy.base + row * width, target + Int(index) * width)
          for column in columns { to[column] += from[column] }
        }
      }
      return gradient
    }
  }

  /// Weighted cross-entropy: loss = −Σ_n weight_n · log softmax(logits_n)[target_n], of shape [1].
  ///
  /// dlogits_n = dloss · weight_n · (softmax(logits_n) − onehot(target_n)).
  ///
  /// - Parameters:
  ///   - logits: [N, K].
  ///   - targets: N classes in 0..<K.
  ///   - weights: of the N rows; 1 / N each makes the mean.
  package static func crossEntropy(
    _ logits: FloatTensor, targets: [Int32], weights: [Float]
  ) -> Differentiated<FloatTensor> {
    precondition(logits.shape.count == 2, "\(logits.shape) isn't [N, K]")
    let (rows, classes) = (logits.shape[0], logits.shape[1])
    precondition(
      targets.count == rows && weights.count == rows && targets.allSatisfy { (0..<classes).contains(Int($0)) },
      "\(targets.count) targets and \(weights.count) weights for logits \(logits.shape), or a target that is no class")
    let logProbabilities = logits.logSoftmax()
    let loss = logProbabilities.withUnsafeBufferPointer { values in
      (0..<rows).reduce(0.0) { $0 - Double(weights[$1]) * Double(values[$1 * classes + Int(targets[$1])]) }
    }
    return Differentiated(FloatTensor([Float(loss)], shape: [1])) { dLoss in
      let factor = dLoss[0]
      defer { keepAlive(logProbabilities) }
      return FloatTensor(uninitialized: logProbabilities.shape) { gradient in
        parallelForChunks(of: rows, grain: 16) { [gradient = SharedPointer(gradient)] range in
          for row in range {
            let to = gradient + row * classes
            let weight = factor * weights[row]
            RowMath.exp(logProbabilities.base + row * classes, into: to, count: classes)
            to[Int(targets[row])] -= 1
            for column in 0..<classes { to[column] *= weight }
          }
        }
      }
    }
  }
}
