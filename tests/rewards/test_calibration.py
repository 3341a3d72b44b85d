import numpy as np
import pytest

from condensers.rewards import calibration_error, report_checker


def test_calibration_by_hand():
    # Two in (0.6, 0.667] with one right, one in (0.933, 1] and right.
    error = calibration_error(np.array([0.62, 0.64, 0.95]), np.array([1, 0, 1]))
    assert error == pytest.approx((abs(1 - 0.62 - 0.64) + abs(1 - 0.95)) / 3)


def test_calibration_within_a_bin_cancels_and_across_bins_does_not():
    assert calibration_error(np.array([0.5, 0.5]), np.array([1, 0])) == pytest.approx(0.0)
    assert calibration_error(np.array([0.1, 0.9]), np.array([1, 0])) == pytest.approx(0.9)


def test_certainty_falls_into_the_last_bin():
    assert calibration_error(np.array([1.0, 0.0]), np.array([1, 0])) == 0.0


def test_report():
    log_probs = np.log(np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1]]))
    report = report_checker(log_probs, np.array([0, 0, 0]), in_sample=True)
    assert report.accuracy == pytest.approx(2 / 3)
    assert report.mean_label_probability == pytest.approx((0.7 + 0.4 + 0.9) / 3)
    assert report.calibration_error == pytest.approx((0.3 + 0.6 + 0.1) / 3)
    assert report.n_rows == 3
    assert report.in_sample
