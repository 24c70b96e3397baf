namespace aoh {}
