extension FloatTensor {
  /// Multi-head cross-attention without its projections: softmax(q kᵀ / √d) v for each head of width d = D / heads, no mask.
  ///
  /// Self is the queries [B, L, D]; the result is [B, L, D]. Heads are consecutive slices.
  ///
  /// - Parameter keysAndValues: for each of the B sequences [T, 2D], for each position its key and value side by side, as one GEMM over
  ///   stacked projections gives them. Sequences may share one tensor, which is then read, not copied; T may differ from one to
  ///   the next.
  package func crossAttention(
    _ keysAndValues: [FloatTensor], heads: Int, products: ComputeOptions.Products = .packed
  ) -> FloatTensor {
    precondition(shape.count == 3 && shape[2].isMultiple(of: heads), "\(shape) isn't [B, L, D] for \(heads) heads")
    let (batch, length, width) = (shape[0], shape[1], shape[2])
    precondition(keysAndValues.count == batch, "keys of \(keysAndValues.count) sequences for \(batch)")
    for rows in keysAndValues {
      precondition(
        rows.shape.count == 2 && rows.shape[0] > 0 && rows.shape[1] == 2 * width,
        "keys and values \(rows.shape) for queries \(shape)")
    }
    let headWidth = width / heads
    defer { withExtendedLifetime((self, keysAndValues)) {} }
    return FloatTensor(uninitialized: shape) { y in
      AttentionHead.attend(images: batch, heads: heads, queries: length, products: products) {
        [y = SharedPointer(y)] image, index in
        let place = image * length * width + index * headWidth
        let key = keysAndValues[image].base + index * headWidth
        return AttentionHead(
          query: base + place, queryStride: width, key: key, value: key + width, keyStride: 2 * width,
          keys: keysAndValues[image].shape[0], width: headWidth, output: y + place, outputStride: width)
      }
    }
  }
}
