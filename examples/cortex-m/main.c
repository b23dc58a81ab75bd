/* Reads a digit. */
#include "digit.h"
#include "digits.h"
#include "startup.h"

int main(void) {
    uint8_t scores[DIGITS_OUT_SCORES_ELEMENTS];
    int32_t error = digits_run(digit, scores);
    if (error != 0) {
        print("the model failed\n");
        return 1;
    }
    int32_t best = 0;
    for (int32_t i = 0; i < DIGITS_OUT_SCORES_ELEMENTS; i++) {
        print_number(i);
        print(": ");
        print_number((int32_t)scores[i] - DIGITS_OUT_SCORES_ZERO_POINT);
        print("\n");
        best = scores[i] > scores[best] ? i : best;
    }
    print("this is a ");
    print_number(best);
    print("\n");
    return 0;
}
