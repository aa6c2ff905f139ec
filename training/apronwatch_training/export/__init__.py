"""Export: fitted weights as ONNX, checked on real tiles, with the registry entry that names them."""
