"""The tab Trials: whether a challenger has done better than what is served."""
